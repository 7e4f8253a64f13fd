{{
    config(
        materialized="table" if target.type == "spark" else "incremental",
        incremental_strategy="days",
        on_schema_change="append_new_columns",
    )
}}
-- What a page's total has and its rows by query have not. Both are loaded by streams of their own, so a day counts
-- only from the first to the last day that both have: a day that is not loaded yet is no hidden one.
with
    visible as (
        select
            shop_id,
            page_key,
            date_day,
            {{ isum("clicks") }} as visible_clicks,
            {{ isum("impressions") }} as visible_impressions
        from {{ ref("fct_search_query_page_daily") }}
        where {{ is_rebuilt("date_day") }}
        group by shop_id, page_key, date_day
    ),

    counted as (
        select
            shop_id,
            page_key,
            date_day,
            search_clicks as clicks,
            search_impressions as impressions,
            0 as visible_clicks,
            0 as visible_impressions
        from {{ ref("fct_page_daily") }}
        where search_impressions > 0 and {{ is_rebuilt("date_day") }}
        union all
        select shop_id, page_key, date_day, 0, 0, visible_clicks, visible_impressions
        from visible
    ),

    -- of all days, also of those that are not counted anew
    known as (
        select
            shop_id,
            min(date_day) as first_page_day,
            max(date_day) as last_page_day,
            cast(null as date) as first_query_day,
            cast(null as date) as last_query_day
        from {{ ref("fct_page_daily") }}
        where search_impressions > 0
        group by shop_id
        union all
        select shop_id, null, null, min(date_day), max(date_day)
        from {{ ref("fct_search_query_page_daily") }}
        where impressions > 0
        group by shop_id
    ),

    days as (
        select
            shop_id,
            min(first_page_day) as first_page_day,
            max(last_page_day) as last_page_day,
            min(first_query_day) as first_query_day,
            max(last_query_day) as last_query_day
        from known
        group by shop_id
    ),

    totals as (
        select
            counted.shop_id,
            counted.page_key,
            counted.date_day,
            {{ isum("counted.clicks") }} as clicks,
            {{ isum("counted.impressions") }} as impressions,
            {{ isum("counted.visible_clicks") }} as visible_clicks,
            {{ isum("counted.visible_impressions") }} as visible_impressions
        from counted
        join
            days
            on days.shop_id = counted.shop_id
            and counted.date_day between days.first_page_day and days.last_page_day
            and counted.date_day between days.first_query_day and days.last_query_day
        group by 1, 2, 3
    )

select
    shop_id,
    page_key,
    date_day,
    clicks,
    impressions,
    visible_clicks,
    visible_impressions,
    clicks - visible_clicks as hidden_clicks,
    impressions - visible_impressions as hidden_impressions,
    {{ ratio("clicks - visible_clicks", "clicks") }} as hidden_click_share,
    {{ ratio("impressions - visible_impressions", "impressions") }} as hidden_impression_share
from totals
