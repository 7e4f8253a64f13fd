-- Per shop: the last 28 complete days, the 28 before them, and the same weekdays a year (52 weeks) before. They
-- end
-- with the newest day for which both search streams are loaded, so that no figure of a window misses a day;
-- without
-- search data, yesterday.
with
    page_days as (
        select shop_id, min(date_day) as first_day, max(date_day) as last_day
        from {{ ref("stg_search_console__page_daily") }}
        group by shop_id
    ),

    query_days as (
        select shop_id, max(date_day) as last_day
        from {{ ref("stg_search_console__page_query_daily") }}
        group by shop_id
    ),

    ends as (
        select
            shops.shop_id,
            shops.as_of,
            shops.currency,
            page_days.first_day as search_first_day,
            least(
                coalesce(page_days.last_day, query_days.last_day, {{ add_days("shops.as_of", -1) }}),
                coalesce(query_days.last_day, page_days.last_day, {{ add_days("shops.as_of", -1) }}),
                {{ add_days("shops.as_of", -1) }}
            ) as window_end
        from {{ ref("int_shops") }} as shops
        left join page_days on page_days.shop_id = shops.shop_id
        left join query_days on query_days.shop_id = shops.shop_id
    )

select
    shop_id,
    as_of,
    currency,
    {{ add_days("window_end", -27) }} as window_start,
    window_end,
    {{ add_days("window_end", -55) }} as prior_start,
    {{ add_days("window_end", -28) }} as prior_end,
    {{ add_days("window_end", -391) }} as last_year_start,
    {{ add_days("window_end", -364) }} as last_year_end,
    search_first_day
from ends
