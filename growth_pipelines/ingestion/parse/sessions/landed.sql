select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'day':'DATE',
            'landing_page_path':'VARCHAR',
            'session_device_type':'VARCHAR',
            'sessions':'DOUBLE',
            'sessions_with_cart_additions':'DOUBLE',
            'sessions_that_reached_checkout':'DOUBLE',
            'sessions_that_completed_checkout':'DOUBLE'
        }
    )
