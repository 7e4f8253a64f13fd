select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {'customer_key':'VARCHAR', 'orders_count':'BIGINT', 'country':'VARCHAR'}
    )
