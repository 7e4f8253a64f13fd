with
    lines as (
        select shop_id, refund_id, sum(quantity) as quantity, sum(subtotal_amount) as subtotal_amount
        from {{ ref("stg_shopify__refund_lines") }}
        group by shop_id, refund_id
    )

select
    refunds.shop_id,
    refunds.refund_id,
    refunds.order_id,
    orders.customer_key,
    refunds.date_day,
    orders.date_day as order_date,
    refunds.created_at,
    orders.currency,
    {{ cents("coalesce(refunds.total_amount, 0)", "orders.minor_units") }} as refund_cents,
    {{ cents("coalesce(lines.subtotal_amount, 0)", "orders.minor_units") }} as goods_cents,
    cast(coalesce(lines.quantity, 0) as bigint) as quantity
from {{ ref("stg_shopify__refunds") }} as refunds
join {{ ref("int_orders") }} as orders on orders.shop_id = refunds.shop_id and orders.order_id = refunds.order_id
left join lines on lines.shop_id = refunds.shop_id and lines.refund_id = refunds.refund_id
