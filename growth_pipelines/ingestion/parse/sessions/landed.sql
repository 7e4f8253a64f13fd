select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {'day':'DATE', 'landing_page_path':'VARCHAR', 'sessions':'DOUBLE'}
    )
