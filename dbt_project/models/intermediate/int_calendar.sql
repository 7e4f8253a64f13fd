-- Every day of a shop from its first row of any kind to yesterday (or to its newest order, if that is later).
with
    first_days as (
        select shop_id, min(date_day) as first_day, max(date_day) as last_day
        from {{ ref("int_orders") }}
        group by shop_id
        union all
        select shop_id, min(date_day), max(date_day)
        from {{ ref("stg_search_console__property_daily") }}
        group by shop_id
        union all
        select shop_id, min(date_day), max(date_day)
        from {{ ref("stg_search_console__page_daily") }}
        group by shop_id
        union all
        select shop_id, min(date_day), max(date_day)
        from {{ ref("int_sessions_daily") }}
        group by shop_id
        union all
        select shop_id, min(date_day), max(date_day)
        from {{ ref("stg_shopify__refunds") }}
        group by shop_id
    ),

    bounds as (
        select
            shops.shop_id,
            shops.as_of,
            min(first_days.first_day) as first_day,
            greatest(max(first_days.last_day), {{ add_days("shops.as_of", -1) }}) as last_day
        from {{ ref("int_shops") }} as shops
        join first_days on first_days.shop_id = shops.shop_id
        group by shops.shop_id, shops.as_of
    ),

    -- a hundred years
    numbers as (select n from {{ whole_numbers(36524) }} as series)

select
    bounds.shop_id,
    {{ add_days("bounds.first_day", "numbers.n") }} as date_day,
    {{ week_of(add_days("bounds.first_day", "numbers.n")) }} as date_week,
    {{ month_of(add_days("bounds.first_day", "numbers.n")) }} as date_month,
    {{ add_days("bounds.first_day", "numbers.n") }} < bounds.as_of as is_complete
from bounds
join numbers on {{ add_days("bounds.first_day", "numbers.n") }} <= bounds.last_day
