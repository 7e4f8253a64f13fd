select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns
        = {'keys':'VARCHAR[]', 'clicks':'DOUBLE', 'impressions':'DOUBLE', 'ctr':'DOUBLE', 'position':'DOUBLE'}
    )
