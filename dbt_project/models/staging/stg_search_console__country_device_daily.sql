with
    source as (select * from {{ source("raw", "search_country_device_daily") }}),

    renamed as (
        select
            shop_id,
            date as date_day,
            lower(country) as country,
            lower(device) as device,
            clicks,
            impressions,
            {{ iround("100 * position * impressions") }} as position_x100_impr
        from source
    )

select *
from renamed
