select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'id':'VARCHAR',
            '__parentId':'VARCHAR',
            '__position':'BIGINT',
            'sku':'VARCHAR',
            'tracked':'BOOLEAN',
            'updatedAt':'TIMESTAMPTZ',
            'location':'STRUCT(id VARCHAR, name VARCHAR)',
            'quantities':'STRUCT(name VARCHAR, quantity BIGINT)[]'
        }
    )
