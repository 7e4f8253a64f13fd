select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'id':'VARCHAR',
            '__parentId':'VARCHAR',
            '__position':'BIGINT',
            'handle':'VARCHAR',
            'title':'VARCHAR',
            'productType':'VARCHAR',
            'vendor':'VARCHAR',
            'status':'VARCHAR',
            'tags':'VARCHAR[]',
            'description':'VARCHAR',
            'descriptionHtml':'VARCHAR',
            'relatedLinks':'STRUCT("value" VARCHAR)',
            'seo':'STRUCT(title VARCHAR, description VARCHAR)',
            'onlineStoreUrl':'VARCHAR',
            'createdAt':'TIMESTAMPTZ',
            'updatedAt':'TIMESTAMPTZ',
            'publishedAt':'TIMESTAMPTZ',
            'complementaryProducts':'STRUCT(value VARCHAR)',
            'relatedProducts':'STRUCT(value VARCHAR)',
            'images':'STRUCT(id VARCHAR, alt VARCHAR, url VARCHAR, width BIGINT, height BIGINT)[]',
            'sku':'VARCHAR',
            'price':'DECIMAL(18,4)',
            'compareAtPrice':'DECIMAL(18,4)',
            'inventoryQuantity':'BIGINT',
            'inventoryItem':'STRUCT(id VARCHAR, unitCost STRUCT(amount DECIMAL(18,4)))'
        }
    )
