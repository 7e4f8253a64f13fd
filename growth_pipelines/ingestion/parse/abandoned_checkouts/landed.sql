select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'id':'VARCHAR',
            '__parentId':'VARCHAR',
            '__position':'BIGINT',
            'createdAt':'TIMESTAMPTZ',
            'updatedAt':'TIMESTAMPTZ',
            'completedAt':'TIMESTAMPTZ',
            'customer':'STRUCT(id VARCHAR)',
            'discountCodes':'VARCHAR[]',
            'totalLineItemsPriceSet':'STRUCT(shopMoney STRUCT(amount DECIMAL(18,4)))',
            'totalDiscountSet':'STRUCT(shopMoney STRUCT(amount DECIMAL(18,4)))',
            'totalPriceSet':'STRUCT(shopMoney STRUCT(amount DECIMAL(18,4)))',
            'title':'VARCHAR',
            'sku':'VARCHAR',
            'quantity':'BIGINT',
            'product':'STRUCT(id VARCHAR)',
            'variant':'STRUCT(id VARCHAR)',
            'originalUnitPriceSet':'STRUCT(shopMoney STRUCT(amount DECIMAL(18,4)))'
        }
    )
