with
    refunded as (
        select
            lines.shop_id,
            lines.product_id,
            refunds.date_day,
            refund_lines.quantity,
            {{ cents("coalesce(refund_lines.subtotal_amount, 0)", "shops.minor_units") }} as refund_cents
        from {{ ref("stg_shopify__refund_lines") }} as refund_lines
        join
            {{ ref("stg_shopify__refunds") }} as refunds
            on refunds.shop_id = refund_lines.shop_id
            and refunds.refund_id = refund_lines.refund_id
        join
            {{ ref("int_order_lines") }} as lines
            on lines.shop_id = refund_lines.shop_id
            and lines.order_line_id = refund_lines.order_line_id
        join {{ ref("int_shops") }} as shops on shops.shop_id = refund_lines.shop_id
        where lines.product_id is not null
    ),

    moved as (
        select
            shop_id,
            product_id,
            date_day,
            1 as lines,
            quantity as units,
            gross_cents,
            discount_cents,
            cost_cents,
            refund_quantity as refund_units_order_basis,
            refund_cents as refund_cents_order_basis,
            0 as refund_units_refund_basis,
            0 as refund_cents_refund_basis
        from {{ ref("int_order_lines") }}
        where product_id is not null
        union all
        select shop_id, product_id, date_day, 0, 0, 0, 0, 0, 0, 0, quantity, refund_cents
        from refunded
    ),

    added_up as (
        select
            shop_id,
            product_id,
            date_day,
            {{ isum("lines") }} as lines,
            {{ isum("units") }} as units,
            {{ isum("gross_cents") }} as gross_cents,
            {{ isum("discount_cents") }} as discount_cents,
            case when count(cost_cents) = count(*) then {{ isum("cost_cents") }} end as cost_cents,
            {{ isum("refund_units_order_basis") }} as refund_units_order_basis,
            {{ isum("refund_cents_order_basis") }} as refund_cents_order_basis,
            {{ isum("refund_units_refund_basis") }} as refund_units_refund_basis,
            {{ isum("refund_cents_refund_basis") }} as refund_cents_refund_basis
        from moved
        group by 1, 2, 3
    ),

    -- An order counts once, however many lines it has of a product. Few have more than one, so to take those off
    -- the
    -- number of lines is cheaper than to count distinct orders.
    repeated as (
        select sold.shop_id, sold.product_id, held.date_day, sum(held.lines - 1) as lines
        from {{ ref("int_order_products") }} as held
        join {{ ref("int_products_sold") }} as sold on sold.product_key = held.product_key
        where held.lines > 1
        group by 1, 2, 3
    )

select
    added_up.shop_id,
    added_up.product_id,
    added_up.date_day,
    cast(added_up.lines - coalesce(repeated.lines, 0) as bigint) as orders,
    added_up.units,
    added_up.gross_cents,
    added_up.discount_cents,
    added_up.gross_cents - added_up.discount_cents as net_cents,
    added_up.cost_cents,
    added_up.refund_units_order_basis,
    added_up.refund_cents_order_basis,
    added_up.refund_units_refund_basis,
    added_up.refund_cents_refund_basis,
    shops.currency
from added_up
join {{ ref("int_shops") }} as shops on shops.shop_id = added_up.shop_id
left join
    repeated
    on repeated.shop_id = added_up.shop_id
    and repeated.product_id = added_up.product_id
    and repeated.date_day = added_up.date_day
