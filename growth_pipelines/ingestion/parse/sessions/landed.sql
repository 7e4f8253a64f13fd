select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        maximum_object_size = 268435456,
        columns = {'rows':'STRUCT("day" DATE, landing_page_path VARCHAR, sessions DOUBLE)[]'}
    )
