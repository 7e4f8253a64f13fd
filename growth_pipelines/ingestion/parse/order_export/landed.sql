select row_number() over () as _line, *
from
    read_json(
        getvariable('path'),
        format = 'newline_delimited',
        columns = {
            'order_id':'VARCHAR',
            'name':'VARCHAR',
            'customer_key':'VARCHAR',
            'country':'VARCHAR',
            'created_at':'TIMESTAMP',
            'updated_at':'TIMESTAMP',
            'cancelled_at':'TIMESTAMP',
            'is_test':'BOOLEAN',
            'financial_status':'VARCHAR',
            'currency':'VARCHAR',
            'gross_amount':'DECIMAL(18,4)',
            'discount_amount':'DECIMAL(18,4)',
            'tax_amount':'DECIMAL(18,4)',
            'shipping_amount':'DECIMAL(18,4)',
            'total_amount':'DECIMAL(18,4)',
            'refunded_amount':'DECIMAL(18,4)',
            'source_name':'VARCHAR',
            'lines':'STRUCT(order_line_id VARCHAR, title VARCHAR, sku VARCHAR, quantity BIGINT, unit_price DECIMAL(18,4),
                gross_amount DECIMAL(18,4), discount_amount DECIMAL(18,4))[]'
        }
    )
