with
    source as (select * from {{ source("raw", "product_variants") }}),

    renamed as (
        select
            shop_id,
            variant_id,
            product_id,
            sku,
            title,
            price,
            compare_at_price,
            unit_cost,
            inventory_quantity,
            inventory_item_id,
            updated_at
        from source
    )

select *
from renamed
