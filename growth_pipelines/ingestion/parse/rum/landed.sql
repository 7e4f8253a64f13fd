select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'received_at':'TIMESTAMPTZ',
            'page_path':'VARCHAR',
            'device':'VARCHAR',
            'session_key':'VARCHAR',
            'is_landing':'BOOLEAN',
            'landing_path':'VARCHAR',
            'metrics':'STRUCT(id VARCHAR, name VARCHAR, value DOUBLE, rating VARCHAR, navigation_type VARCHAR)[]'
        }
    )
