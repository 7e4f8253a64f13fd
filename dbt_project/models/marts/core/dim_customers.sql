with
    known as (
        select shop_id, customer_key
        from {{ ref("stg_shopify__customers") }}
        union
        select shop_id, customer_key
        from {{ ref("int_orders") }}
        where customer_key is not null
    ),

    bought as (
        select
            shop_id,
            customer_key,
            min(first_order_date) as first_order_date,
            max(date_day) as last_order_date,
            min(case when customer_order_number = 2 then date_day end) as second_order_date,
            cast(count(*) as bigint) as orders,
            {{ isum("gross_cents") }} as gross_cents,
            {{ isum("discount_cents") }} as discount_cents,
            {{ isum("net_cents") }} as net_cents,
            {{ isum("refund_cents") }} as refund_cents
            {% for days in [30, 90, 180, 365] %}
                ,
                {{
                    isum(
                        "case when date_day < first_order_date + cast("
                        ~ days
                        ~ " as integer) then net_cents end"
                    )
                }} as net_cents_{{ days }}d
            {% endfor %}
        from {{ ref("int_orders") }}
        where customer_key is not null
        group by 1, 2
    )

select
    known.shop_id,
    known.customer_key,
    customers.country,
    {{ month_of("bought.first_order_date") }} as cohort_month,
    bought.first_order_date,
    bought.last_order_date,
    {{ day_diff("bought.second_order_date", "bought.first_order_date") }} as days_to_second_order,
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.gross_cents, 0) as gross_cents,
    coalesce(bought.discount_cents, 0) as discount_cents,
    coalesce(bought.net_cents, 0) as net_cents,
    coalesce(bought.refund_cents, 0) as refund_cents,
    coalesce(bought.net_cents_30d, 0) as net_cents_30d,
    coalesce(bought.net_cents_90d, 0) as net_cents_90d,
    coalesce(bought.net_cents_180d, 0) as net_cents_180d,
    coalesce(bought.net_cents_365d, 0) as net_cents_365d,
    shops.currency
from known
join {{ ref("int_shops") }} as shops on shops.shop_id = known.shop_id
left join bought on bought.shop_id = known.shop_id and bought.customer_key = known.customer_key
left join
    {{ ref("stg_shopify__customers") }} as customers
    on customers.shop_id = known.shop_id
    and customers.customer_key = known.customer_key
