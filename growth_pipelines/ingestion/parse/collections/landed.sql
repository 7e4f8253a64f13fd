select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        maximum_object_size = 268435456,
        columns = {
            'id':'VARCHAR',
            '__parentId':'VARCHAR',
            'position':'BIGINT',
            'handle':'VARCHAR',
            'title':'VARCHAR',
            'description':'VARCHAR',
            'seo':'STRUCT(title VARCHAR, description VARCHAR)',
            'updatedAt':'TIMESTAMPTZ'
        }
    )
