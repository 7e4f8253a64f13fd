select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'id':'VARCHAR',
            'createdAt':'TIMESTAMPTZ',
            'updatedAt':'TIMESTAMPTZ',
            'numberOfOrders':'BIGINT',
            'defaultAddress':'STRUCT(countryCodeV2 VARCHAR, city VARCHAR, zip VARCHAR)',
            'defaultEmailAddress':'STRUCT(emailAddress VARCHAR)',
            'defaultPhoneNumber':'STRUCT(phoneNumber VARCHAR)',
            'firstName':'VARCHAR',
            'lastName':'VARCHAR'
        }
    )
