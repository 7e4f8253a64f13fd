with
    source as (select * from {{ source("raw", "abandoned_checkout_lines") }}),

    renamed as (
        select shop_id, checkout_line_id, checkout_id, product_id, variant_id, title, sku, quantity, unit_price
        from source
    )

select *
from renamed
