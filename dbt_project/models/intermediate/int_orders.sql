-- One row an order that counts: test and cancelled orders are left out. Net is gross less discounts, without tax
-- and shipping, before refunds.
with
    refunds as (
        select shop_id, order_id, cast(sum(total_amount) as decimal(18, 4)) as refunded_amount
        from {{ ref("stg_shopify__refunds") }}
        group by shop_id, order_id
    ),

    counted as (
        select
            orders.shop_id,
            orders.order_id,
            orders.order_name,
            orders.customer_key,
            orders.date_day,
            orders.created_at,
            orders.financial_status,
            orders.source_name,
            orders.landing_path,
            shops.currency,
            shops.minor_units,
            {{ cents("coalesce(orders.gross_amount, 0)", "shops.minor_units") }} as gross_cents,
            {{ cents("coalesce(orders.discount_amount, 0)", "shops.minor_units") }} as discount_cents,
            {{ cents("coalesce(orders.tax_amount, 0)", "shops.minor_units") }} as tax_cents,
            {{ cents("coalesce(orders.shipping_amount, 0)", "shops.minor_units") }} as shipping_cents,
            {{ cents("coalesce(orders.total_amount, 0)", "shops.minor_units") }} as total_cents,
            -- the refunds themselves where they are known, else the order's own figure (exports have no others)
            {{ cents("coalesce(refunds.refunded_amount, orders.refunded_amount, 0)", "shops.minor_units") }}
            as refund_cents
        from {{ ref("stg_shopify__orders") }} as orders
        join {{ ref("int_shops") }} as shops on shops.shop_id = orders.shop_id
        left join refunds on refunds.shop_id = orders.shop_id and refunds.order_id = orders.order_id
        where not orders.is_test and not orders.is_cancelled
    )

-- Keys begin with the column that differs most: the window sorts by them. Of one day's orders the first is the one
-- that was placed first, so that a customer's order number 1 is on the day of the first order.
select
    counted.*,
    gross_cents - discount_cents as net_cents,
    urls.page_key as landing_page_key,
    case
        when customer_key is not null
        then
            row_number() over (
                partition by customer_key, counted.shop_id order by date_day, created_at nulls last, order_id
            )
    end as customer_order_number,
    case
        when customer_key is not null
        then
            first_value(date_day) over (
                partition by customer_key, counted.shop_id order by date_day, created_at nulls last, order_id
            )
    end as first_order_date
from counted
left join
    {{ ref("int_page_urls") }} as urls on urls.shop_id = counted.shop_id and urls.raw_url = counted.landing_path
