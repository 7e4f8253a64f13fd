with
    sales as (
        select
            shop_id,
            date_day,
            cast(count(*) as bigint) as orders,
            -- order number 1 is on the first day, so nobody needs to be told apart to count the new
            cast(count(case when customer_order_number = 1 then 1 end) as bigint) as customers_new,
            cast(
                count(distinct case when date_day > first_order_date then customer_key end) as bigint
            ) as customers_returning,
            cast(count(case when customer_key is null then 1 end) as bigint) as guest_orders,
            {{ isum("gross_cents") }} as gross_cents,
            {{ isum("discount_cents") }} as discount_cents,
            {{ isum("net_cents") }} as net_cents,
            {{ isum("case when date_day = first_order_date then net_cents end") }} as new_net_cents,
            {{ isum("case when date_day > first_order_date then net_cents end") }} as returning_net_cents
        from {{ ref("int_orders") }}
        group by 1, 2
    ),

    refunds as (
        select shop_id, date_day, cast(count(*) as bigint) as refunds, {{ isum("refund_cents") }} as refund_cents
        from {{ ref("fct_refunds") }}
        group by 1, 2
    ),

    sessions as (
        select shop_id, date_day, {{ isum("sessions") }} as sessions
        from {{ ref("int_sessions_daily") }}
        group by 1, 2
    ),

    pages as (
        select
            shop_id,
            date_day,
            {{ isum("search_clicks") }} as clicks,
            {{ isum("search_impressions") }} as impressions
        from {{ ref("int_page_days") }}
        group by 1, 2
    ),

    joined as (
        select
            calendar.shop_id,
            calendar.date_day,
            calendar.is_complete,
            shops.currency,
            coalesce(sales.orders, 0) as orders,
            coalesce(sales.customers_new, 0) as customers_new,
            coalesce(sales.customers_returning, 0) as customers_returning,
            coalesce(sales.guest_orders, 0) as guest_orders,
            coalesce(sales.gross_cents, 0) as gross_cents,
            coalesce(sales.discount_cents, 0) as discount_cents,
            coalesce(sales.net_cents, 0) as net_cents,
            coalesce(sales.new_net_cents, 0) as new_net_cents,
            coalesce(sales.returning_net_cents, 0) as returning_net_cents,
            coalesce(refunds.refunds, 0) as refunds,
            coalesce(refunds.refund_cents, 0) as refund_cents,
            coalesce(sessions.sessions, 0) as sessions,
            coalesce(property.clicks, pages.clicks, 0) as search_clicks,
            coalesce(property.impressions, pages.impressions, 0) as search_impressions
        from {{ ref("int_calendar") }} as calendar
        join {{ ref("int_shops") }} as shops on shops.shop_id = calendar.shop_id
        left join sales on sales.shop_id = calendar.shop_id and sales.date_day = calendar.date_day
        left join refunds on refunds.shop_id = calendar.shop_id and refunds.date_day = calendar.date_day
        left join sessions on sessions.shop_id = calendar.shop_id and sessions.date_day = calendar.date_day
        left join pages on pages.shop_id = calendar.shop_id and pages.date_day = calendar.date_day
        left join
            {{ ref("stg_search_console__property_daily") }} as property
            on property.shop_id = calendar.shop_id
            and property.date_day = calendar.date_day
    ),

    -- null until the days that a mean is of are all there
    smoothed as (
        select
            *
            {% for days in [7, 28] %}
                ,
                count(*) over (
                    partition by shop_id order by date_day rows between {{ days - 1 }} preceding and current row
                ) as days_{{ days }}d
                {% for measure in ["net_cents", "orders"] %}
                    ,
                    sum({{ measure }}) over (
                        partition by shop_id
                        order by date_day rows between {{ days - 1 }} preceding and current row
                    ) as {{ measure }}_{{ days }}d
                {% endfor %}
            {% endfor %}
        from joined
    )

select
    shop_id,
    date_day,
    is_complete,
    orders,
    customers_new,
    customers_returning,
    guest_orders,
    gross_cents,
    discount_cents,
    net_cents,
    new_net_cents,
    returning_net_cents,
    net_cents - new_net_cents - returning_net_cents as guest_net_cents,
    refunds,
    refund_cents,
    sessions,
    search_clicks,
    search_impressions,
    {{ ratio("orders", "sessions") }} as conversion_rate,
    {{ ratio("net_cents", "orders") }} as aov_cents,
    {% for days in [7, 28] %}
        case
            when days_{{ days }}d = {{ days }} then {{ ratio("net_cents_" ~ days ~ "d", days) }}
        end as net_cents_mean_{{ days }}d,
        case
            when days_{{ days }}d = {{ days }} then {{ ratio("orders_" ~ days ~ "d", days) }}
        end as orders_mean_{{ days }}d,
    {% endfor %}
    currency
from smoothed
