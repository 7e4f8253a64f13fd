with
    source as (select * from {{ source("raw", "search_page_query_daily") }}),

    renamed as (
        select
            shop_id,
            date as date_day,
            page as page_url,
            query,
            clicks,
            impressions,
            -- additive, unlike the average position it comes from
            {{ iround("100 * position * impressions") }} as position_x100_impr
        from source
    )

select *
from renamed
