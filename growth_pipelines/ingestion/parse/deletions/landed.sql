select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'id':'VARCHAR',
            'createdAt':'TIMESTAMPTZ',
            'subjectId':'VARCHAR',
            'subjectType':'VARCHAR',
            'action':'VARCHAR'
        }
    )
