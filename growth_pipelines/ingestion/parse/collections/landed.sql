select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'id':'VARCHAR',
            '__parentId':'VARCHAR',
            '__position':'BIGINT',
            'handle':'VARCHAR',
            'title':'VARCHAR',
            'description':'VARCHAR',
            'descriptionHtml':'VARCHAR',
            'seo':'STRUCT(title VARCHAR, description VARCHAR)',
            'sortOrder':'VARCHAR',
            'updatedAt':'TIMESTAMPTZ'
        }
    )
