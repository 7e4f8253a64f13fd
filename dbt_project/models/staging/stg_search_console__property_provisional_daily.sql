with
    source as (select * from {{ source("raw", "search_property_provisional_daily") }}),

    renamed as (
        select
            shop_id,
            date as date_day,
            clicks,
            impressions,
            {{ iround("100 * position * impressions") }} as position_x100_impr
        from source
    )

select *
from renamed
