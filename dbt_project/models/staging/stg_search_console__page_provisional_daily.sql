with
    source as (select * from {{ source("raw", "search_page_provisional_daily") }}),

    renamed as (
        select
            shop_id,
            date as date_day,
            page as page_url,
            clicks,
            impressions,
            {{ iround("100 * position * impressions") }} as position_x100_impr
        from source
    )

select *
from renamed
