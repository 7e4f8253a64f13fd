with
    source as (select * from {{ source("raw", "_variant_changes") }}),

    renamed as (
        select
            shop_id,
            variant_id,
            product_id,
            date_day,
            product_title,
            variant_title,
            status,
            price,
            compare_at_price,
            unit_cost
        from source
    )

select *
from renamed
