-- Per page over up to 180 days: visits, the orders and sales that began there, and how often something was put
-- into
-- the
-- cart. As far back as visits are known, so that rates of them have both sides. Pages without a visit are here
-- too.
{% set window_days = 180 %}
with
    shops as (
        select
            shop_id,
            conversion_basis,
            orders as window_orders,
            window_end,
            greatest(
                {{ add_days("window_end", 1 - window_days) }}, coalesce(visits_first_day, window_start)
            ) as first_day
        from {{ ref("int_shop_windows") }}
    ),

    days as (
        select
            days.shop_id,
            days.page_key,
            {{ isum("days.sessions") }} as sessions,
            {{ isum("days.search_clicks") }} as clicks,
            {{ isum("days.orders") }} as orders,
            {{ isum("days.net_cents") }} as net_cents
        from {{ ref("int_page_days") }} as days
        join shops on shops.shop_id = days.shop_id
        where days.date_day between shops.first_day and shops.window_end
        group by 1, 2
    ),

    carts as (
        select
            sessions.shop_id,
            urls.page_key,
            -- some come to the checkout past the cart, see fct_funnel_daily
            {{ isum("greatest(coalesce(sessions.cart_additions, 0), coalesce(sessions.reached_checkout, 0))") }}
            as carts
        from {{ ref("int_sessions_daily") }} as sessions
        join shops on shops.shop_id = sessions.shop_id
        join
            {{ ref("int_page_urls") }} as urls
            on urls.shop_id = sessions.shop_id
            and urls.raw_url = sessions.landing_path
        where
            sessions.source = 'shopify'
            and shops.conversion_basis = 'sessions'
            and sessions.date_day between shops.first_day and shops.window_end
        group by 1, 2
    ),

    told as (select shop_id, {{ isum("carts") }} > 0 as has_carts from carts group by 1),

    counted as (
        select
            coalesce(pages.shop_id, days.shop_id) as shop_id,
            coalesce(pages.page_key, days.page_key) as page_key,
            coalesce(pages.page_type, 'other') as page_type,
            coalesce(days.sessions, 0) as sessions,
            coalesce(days.clicks, 0) as clicks,
            coalesce(days.orders, 0) as orders,
            coalesce(days.net_cents, 0) as net_cents
        from {{ ref("int_pages") }} as pages
        full outer join days on days.shop_id = pages.shop_id and days.page_key = pages.page_key
    )

select
    counted.shop_id,
    counted.page_key,
    counted.page_type,
    counted.orders,
    counted.net_cents,
    shops.window_orders,
    case when shops.conversion_basis = 'sessions' then counted.sessions else counted.clicks end as visits,
    case when coalesce(told.has_carts, false) then coalesce(carts.carts, 0) else counted.orders end as events
from counted
join shops on shops.shop_id = counted.shop_id
left join told on told.shop_id = counted.shop_id
left join carts on carts.shop_id = counted.shop_id and carts.page_key = counted.page_key
