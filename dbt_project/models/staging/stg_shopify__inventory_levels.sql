with
    source as (select * from {{ source("raw", "inventory_levels") }}),

    renamed as (
        select
            shop_id,
            inventory_item_id,
            location_id,
            location_name,
            sku,
            is_tracked,
            available,
            committed,
            incoming,
            on_hand,
            updated_at
        from source
    )

select *
from renamed
