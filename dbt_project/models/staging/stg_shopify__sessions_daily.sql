with
    source as (select * from {{ source("raw", "sessions_daily") }}),

    renamed as (
        select
            shop_id,
            date as date_day,
            landing_path,
            lower(device) as device,
            sessions,
            cart_additions,
            reached_checkout,
            completed_checkout
        from source
    )

select *
from renamed
