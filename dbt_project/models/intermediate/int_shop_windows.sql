-- The shop's own conversion rate and order value over the newest 28 complete days: what its pages are shrunk to.
with
    orders as (
        select
            orders.shop_id,
            {{ isum("case when orders.date_day between windows.window_start and windows.window_end then 1 end") }}
            as orders,
            {{
                isum(
                    "case when orders.date_day between windows.window_start and windows.window_end then orders.net_cents end"
                )
            }}
            as net_cents,
            cast(count(*) as bigint) as orders_ever,
            {{ isum("orders.net_cents") }} as net_cents_ever,
            min(orders.date_day) as first_day
        from {{ ref("int_orders") }} as orders
        join {{ ref("int_windows") }} as windows on windows.shop_id = orders.shop_id
        group by 1
    ),

    pages as (
        select
            shop_id,
            {{ isum("sessions") }} as sessions,
            {{ isum("clicks") }} as clicks,
            -- orders whose landing page is known
            {{ isum("orders") }} as placed_orders
        from {{ ref("int_page_windows") }}
        group by 1
    ),

    -- Shopify knows all days. Beacons know those since they were switched on, the first of them only in part:
    -- sessions of a part of the window would make conversion look far too good.
    sources as (
        select shop_id, max(source) as source, min(date_day) as first_day, max(date_day) as last_day
        from {{ ref("int_sessions_daily") }}
        group by 1
    ),

    known as (
        select
            windows.shop_id,
            coalesce(pages.sessions, 0) > 0
            and (
                sources.source = 'shopify'
                or (sources.first_day < windows.window_start and sources.last_day >= windows.window_end)
            ) as has_sessions,
            sources.first_day,
            sources.source
        from {{ ref("int_windows") }} as windows
        left join pages on pages.shop_id = windows.shop_id
        left join sources on sources.shop_id = windows.shop_id
    ),

    measured as (
        select
            windows.*,
            coalesce(orders.orders, 0) as orders,
            coalesce(orders.net_cents, 0) as net_cents,
            coalesce(pages.sessions, 0) as sessions,
            coalesce(pages.clicks, 0) as clicks,
            case when known.has_sessions then 'sessions' else 'clicks_proxy' end as conversion_basis,
            -- the first day of which all visits are known
            case
                when not known.has_sessions
                then windows.search_first_day
                when known.source = 'shopify'
                then known.first_day
                else {{ add_days("known.first_day", 1) }}
            end as visits_first_day,
            case when known.has_sessions then pages.sessions else coalesce(pages.clicks, 0) end as visits,
            coalesce(pages.placed_orders, 0) as placed_orders,
            -- the window's order value, or that of all orders when the window has none
            coalesce(
                {{ ratio("orders.net_cents", "orders.orders") }},
                {{ ratio("orders.net_cents_ever", "orders.orders_ever") }}
            ) as aov_cents,
            -- whether an earlier window is known: what began later would look like growth from nothing
            coalesce(windows.search_first_day <= windows.last_year_start, false) as has_search_last_year,
            coalesce(known.has_sessions and known.first_day <= windows.prior_start, false) as has_sessions_prior,
            coalesce(
                known.has_sessions and known.first_day <= windows.last_year_start, false
            ) as has_sessions_last_year,
            coalesce(orders.first_day <= windows.last_year_start, false) as has_orders_last_year
        from {{ ref("int_windows") }} as windows
        left join orders on orders.shop_id = windows.shop_id
        left join pages on pages.shop_id = windows.shop_id
        left join known on known.shop_id = windows.shop_id
    )

select *, {{ ratio("orders", "visits") }} as conversion_rate, {{ ratio("placed_orders", "visits") }} as placed_rate
from measured
