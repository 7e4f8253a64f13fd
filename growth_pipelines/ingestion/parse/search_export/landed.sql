select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {'date':'DATE', 'page':'VARCHAR', 'clicks':'BIGINT', 'impressions':'BIGINT', 'position':'DOUBLE'}
    )
