-- Final and provisional figures are read one after the other: a day that is final by now is so here too.
with
    final_days as (
        select shop_id, date_day
        from {{ ref("stg_search_console__property_daily") }}
        union
        select shop_id, date_day
        from {{ ref("stg_search_console__page_daily") }}
    ),

    counted as (
        select
            shop_id,
            date_day,
            clicks as property_clicks,
            impressions as property_impressions,
            position_x100_impr,
            0 as pages,
            0 as pages_clicks,
            0 as pages_impressions
        from {{ ref("stg_search_console__property_provisional_daily") }}
        union all
        select shop_id, date_day, 0, 0, 0, 1, clicks, impressions
        from {{ ref("stg_search_console__page_provisional_daily") }}
    )

select
    counted.shop_id,
    counted.date_day,
    {{ isum("counted.property_clicks") }} as property_clicks,
    {{ isum("counted.property_impressions") }} as property_impressions,
    {{ isum("counted.position_x100_impr") }} as position_x100_impr,
    {{ isum("counted.pages") }} as pages,
    {{ isum("counted.pages_clicks") }} as pages_clicks,
    {{ isum("counted.pages_impressions") }} as pages_impressions
from counted
left join final_days on final_days.shop_id = counted.shop_id and final_days.date_day = counted.date_day
where final_days.shop_id is null
group by 1, 2
