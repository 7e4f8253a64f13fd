-- Lines of the orders that count, in minor units, with what was returned of each and what it cost.
with
    refunded as (
        select
            shop_id,
            order_line_id,
            {{ isum("quantity") }} as quantity,
            -- of the width of all amounts: sums are twice as wide, and then so is every product
            cast(sum(subtotal_amount) as decimal(18, 4)) as amount
        from {{ ref("stg_shopify__refund_lines") }}
        group by shop_id, order_line_id
    )

select
    lines.shop_id,
    lines.order_line_id,
    lines.order_id,
    orders.date_day,
    orders.customer_key,
    orders.customer_order_number,
    lines.product_id,
    lines.variant_id,
    lines.title,
    lines.sku,
    lines.quantity,
    lines.current_quantity,
    orders.currency,
    {{ cents("coalesce(lines.gross_amount, 0)", "orders.minor_units") }} as gross_cents,
    {{ cents("coalesce(lines.discount_amount, 0)", "orders.minor_units") }} as discount_cents,
    {{ cents("coalesce(refunded.amount, 0)", "orders.minor_units") }} as refund_cents,
    coalesce(refunded.quantity, 0) as refund_quantity,
    -- today's unit cost: the shop's history of costs is not available
    {{ cents("variants.unit_cost * cast(lines.quantity as decimal(9, 0))", "orders.minor_units") }} as cost_cents
from {{ ref("stg_shopify__order_lines") }} as lines
join {{ ref("int_orders") }} as orders on orders.shop_id = lines.shop_id and orders.order_id = lines.order_id
left join refunded on refunded.shop_id = lines.shop_id and refunded.order_line_id = lines.order_line_id
left join
    {{ ref("stg_shopify__product_variants") }} as variants
    on variants.shop_id = lines.shop_id
    and variants.variant_id = lines.variant_id
