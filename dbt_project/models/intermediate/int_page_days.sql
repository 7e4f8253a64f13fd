{{
    config(
        materialized="table" if target.type == "spark" else "incremental",
        incremental_strategy="days",
        on_schema_change="append_new_columns",
    )
}}
-- Per page and day: what each source counted, added up over the spellings of the page's address. Pages are numbers
-- meanwhile: to group millions of rows by text takes a third longer, and more memory.
with
    urls as (
        select shop_id, raw_url, page_key, dense_rank() over (order by shop_id, page_key) as page_number
        from {{ ref("int_page_urls") }}
    ),

    pages as (select distinct page_number, shop_id, page_key from urls),

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
    ),

    added_up as (
        select
            urls.page_number,
            counted.date_day,
            {{ isum("counted.search_clicks") }} as search_clicks,
            {{ isum("counted.search_impressions") }} as search_impressions,
            {{ isum("counted.position_x100_impr") }} as position_x100_impr,
            {{ isum("counted.sessions") }} as sessions,
            {{ isum("counted.orders") }} as orders,
            {{ isum("counted.net_cents") }} as net_cents
        from counted
        join urls on urls.shop_id = counted.shop_id and urls.raw_url = counted.raw_url
        group by 1, 2
    ),

    -- a page's days lie together, here and in the fact: read by page, they are there in a third of the time
    by_page as (select * from added_up order by page_number)

select
    pages.shop_id,
    pages.page_key,
    by_page.date_day,
    by_page.search_clicks,
    by_page.search_impressions,
    by_page.position_x100_impr,
    by_page.sessions,
    by_page.orders,
    by_page.net_cents
from by_page
join pages on pages.page_number = by_page.page_number
