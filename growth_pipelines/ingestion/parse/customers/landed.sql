select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        maximum_object_size = 268435456,
        columns = {
            'id':'VARCHAR',
            'createdAt':'TIMESTAMPTZ',
            'updatedAt':'TIMESTAMPTZ',
            'numberOfOrders':'BIGINT',
            'defaultAddress':'STRUCT(countryCodeV2 VARCHAR)'
        }
    )
