select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        maximum_object_size = 268435456,
        columns = {
            'product_id':'VARCHAR',
            'handle':'VARCHAR',
            'title':'VARCHAR',
            'product_type':'VARCHAR',
            'vendor':'VARCHAR',
            'status':'VARCHAR',
            'tags':'VARCHAR',
            'description':'VARCHAR',
            'seo_title':'VARCHAR',
            'seo_description':'VARCHAR',
            'url':'VARCHAR',
            'images':'STRUCT(id VARCHAR, alt VARCHAR, url VARCHAR, width BIGINT, height BIGINT)[]',
            'variants':'STRUCT(variant_id VARCHAR, sku VARCHAR, title VARCHAR, price DECIMAL(18,4),
                compare_at_price DECIMAL(18,4), unit_cost DECIMAL(18,4), inventory_quantity BIGINT)[]'
        }
    )
