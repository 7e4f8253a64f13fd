select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'id':'VARCHAR',
            'handle':'VARCHAR',
            'title':'VARCHAR',
            'body':'VARCHAR',
            'isPublished':'BOOLEAN',
            'updatedAt':'TIMESTAMPTZ',
            'blog':'STRUCT(handle VARCHAR)',
            'seoTitle':'STRUCT("value" VARCHAR)',
            'seoDescription':'STRUCT("value" VARCHAR)'
        }
    )
