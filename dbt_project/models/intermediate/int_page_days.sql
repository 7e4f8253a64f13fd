{{
    config(
        materialized="incremental",
        incremental_strategy="insert_overwrite" if target.type == "spark" else "days",
        partition_by="date_day",
        on_schema_change="fail",
    )
}}
-- Per page and day: what each source counted, added up over the spellings of the page's address.
with
    counted as (
        select
            shop_id,
            page_url as raw_url,
            date_day,
            clicks as search_clicks,
            impressions as search_impressions,
            position_x100_impr,
            0 as sessions,
            0 as orders,
            0 as net_cents
        from {{ ref("stg_search_console__page_daily") }}
        where {{ is_rebuilt("date_day") }}
        union all
        select shop_id, landing_path, date_day, 0, 0, 0, sessions, 0, 0
        from {{ ref("int_sessions_daily") }}
        where {{ is_rebuilt("date_day") }}
        union all
        select shop_id, landing_path, date_day, 0, 0, 0, 0, 1, net_cents
        from {{ ref("int_orders") }}
        where {{ is_rebuilt("date_day") }}
    )

select
    counted.shop_id,
    urls.page_key,
    counted.date_day,
    {{ isum("counted.search_clicks") }} as search_clicks,
    {{ isum("counted.search_impressions") }} as search_impressions,
    {{ isum("counted.position_x100_impr") }} as position_x100_impr,
    {{ isum("counted.sessions") }} as sessions,
    {{ isum("counted.orders") }} as orders,
    {{ isum("counted.net_cents") }} as net_cents
from counted
join {{ ref("int_page_urls") }} as urls on urls.shop_id = counted.shop_id and urls.raw_url = counted.raw_url
group by 1, 2, 3
