with
    lines as (
        select
            shop_id,
            order_id,
            {{ isum("quantity") }} as units,
            {{ isum("gross_cents - discount_cents") }} as net_cents,
            case when count(cost_cents) = count(*) then {{ isum("cost_cents") }} end as cost_cents
        from {{ ref("int_order_lines") }}
        group by 1, 2
    )

select
    orders.shop_id,
    orders.order_id,
    orders.order_name,
    orders.customer_key,
    orders.date_day,
    orders.created_at,
    orders.customer_order_number,
    orders.first_order_date,
    orders.financial_status,
    orders.source_name,
    orders.landing_page_key as page_key,
    orders.currency,
    orders.gross_cents,
    orders.discount_cents,
    orders.net_cents,
    orders.tax_cents,
    orders.shipping_cents,
    orders.total_cents,
    orders.refund_cents,
    coalesce(lines.units, 0) as units,
    coalesce(lines.net_cents, 0) as lines_net_cents,
    lines.cost_cents,
    lines.net_cents - lines.cost_cents as margin_cents
from {{ ref("int_orders") }} as orders
left join lines on lines.order_id = orders.order_id and lines.shop_id = orders.shop_id
