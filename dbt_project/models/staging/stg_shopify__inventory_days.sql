with
    source as (select * from {{ source("raw", "_inventory_days") }}),

    renamed as (
        select
            shop_id,
            variant_id,
            product_id,
            location_id,
            date_day,
            source,
            is_tracked,
            available,
            committed,
            incoming,
            on_hand
        from source
    )

select *
from renamed
