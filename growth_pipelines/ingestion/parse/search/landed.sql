select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        maximum_object_size = 268435456,
        columns = {'answer':'STRUCT(
                "rows" STRUCT("keys" VARCHAR[], clicks DOUBLE, impressions DOUBLE, "position" DOUBLE)[],
                metadata STRUCT(firstIncompleteDate DATE, first_incomplete_date DATE))'}
    )
