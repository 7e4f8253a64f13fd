select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'scope':'VARCHAR',
            'target':'VARCHAR',
            'form_factor':'VARCHAR',
            'found':'BOOLEAN',
            'fetched_at':'TIMESTAMPTZ',
            'answer':'JSON'
        }
    )
