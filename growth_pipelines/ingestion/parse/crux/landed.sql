select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        maximum_object_size = 268435456,
        columns = {
            'scope':'VARCHAR',
            'target':'VARCHAR',
            'form_factor':'VARCHAR',
            'found':'BOOLEAN',
            'fetched_at':'TIMESTAMPTZ',
            'answer':'JSON'
        }
    )
