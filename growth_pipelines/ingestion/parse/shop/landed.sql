select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        maximum_object_size = 268435456,
        columns = {
            'name':'VARCHAR',
            'myshopifyDomain':'VARCHAR',
            'primaryDomain':'STRUCT(url VARCHAR)',
            'currencyCode':'VARCHAR',
            'ianaTimezone':'VARCHAR',
            'primaryLocale':'VARCHAR'
        }
    )
