with
    source as (select * from {{ source("raw", "order_lines") }}),

    renamed as (
        select
            -- -------- ids
            shop_id,
            order_line_id,
            order_id,
            product_id,
            variant_id,

            -- -------- text
            title,
            sku,

            -- -------- numbers
            quantity,
            current_quantity,
            unit_price,
            gross_amount,
            discount_amount
        from source
    )

select *
from renamed
