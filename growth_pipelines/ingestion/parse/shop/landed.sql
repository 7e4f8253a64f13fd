select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'id':'VARCHAR',
            'name':'VARCHAR',
            'myshopifyDomain':'VARCHAR',
            'primaryDomain':'STRUCT(url VARCHAR)',
            'currencyCode':'VARCHAR',
            'ianaTimezone':'VARCHAR',
            'primaryLocale':'VARCHAR'
        }
    )
