with
    sold as (
        select
            shop_id,
            product_id,
            date_day,
            count(*) as lines,
            {{ isum("quantity") }} as units,
            {{ isum("gross_cents") }} as gross_cents,
            {{ isum("discount_cents") }} as discount_cents,
            case when count(cost_cents) = count(*) then {{ isum("cost_cents") }} end as cost_cents,
            {{ isum("refund_quantity") }} as refund_units,
            {{ isum("refund_cents") }} as refund_cents
        from {{ ref("int_order_lines") }}
        where product_id is not null
        group by 1, 2, 3
    ),

    -- what else belongs to a product and day, all of it rare: returns by their own day, and lines not to count
    adjustments as (
        select
            lines.shop_id,
            lines.product_id,
            refunds.date_day,
            0 as repeated_lines,
            returned.quantity as refund_units,
            {{ cents("coalesce(returned.subtotal_amount, 0)", "shops.minor_units") }} as refund_cents
        from {{ ref("stg_shopify__refund_lines") }} as returned
        join
            {{ ref("stg_shopify__refunds") }} as refunds
            on refunds.shop_id = returned.shop_id
            and refunds.refund_id = returned.refund_id
        join
            {{ ref("int_order_lines") }} as lines
            on lines.shop_id = returned.shop_id
            and lines.order_line_id = returned.order_line_id
        join {{ ref("int_shops") }} as shops on shops.shop_id = returned.shop_id
        where lines.product_id is not null
        union all
        -- Second lines of a product in an order, which counts once. Few orders have any, so to take these off the
        -- number of lines is cheaper than to count distinct orders.
        select products.shop_id, products.product_id, held.date_day, held.lines - 1, 0, 0
        from {{ ref("int_order_products") }} as held
        join {{ ref("int_products_sold") }} as products on products.product_key = held.product_key
        where held.lines > 1
    ),

    adjusted as (
        select
            shop_id,
            product_id,
            date_day,
            {{ isum("repeated_lines") }} as repeated_lines,
            {{ isum("refund_units") }} as refund_units,
            {{ isum("refund_cents") }} as refund_cents
        from adjustments
        group by 1, 2, 3
    ),

    joined as (
        select
            coalesce(sold.shop_id, adjusted.shop_id) as shop_id,
            coalesce(sold.product_id, adjusted.product_id) as product_id,
            coalesce(sold.date_day, adjusted.date_day) as date_day,
            coalesce(sold.lines, 0) - coalesce(adjusted.repeated_lines, 0) as orders,
            coalesce(sold.units, 0) as units,
            coalesce(sold.gross_cents, 0) as gross_cents,
            coalesce(sold.discount_cents, 0) as discount_cents,
            -- a day on which things only came back cost nothing
            case when sold.shop_id is null then 0 else sold.cost_cents end as cost_cents,
            coalesce(sold.refund_units, 0) as refund_units_order_basis,
            coalesce(sold.refund_cents, 0) as refund_cents_order_basis,
            coalesce(adjusted.refund_units, 0) as refund_units_refund_basis,
            coalesce(adjusted.refund_cents, 0) as refund_cents_refund_basis
        from sold
        full outer join
            adjusted
            on adjusted.shop_id = sold.shop_id
            and adjusted.product_id = sold.product_id
            and adjusted.date_day = sold.date_day
    )

select
    joined.shop_id,
    joined.product_id,
    joined.date_day,
    cast(joined.orders as bigint) as orders,
    joined.units,
    joined.gross_cents,
    joined.discount_cents,
    joined.gross_cents - joined.discount_cents as net_cents,
    joined.cost_cents,
    joined.refund_units_order_basis,
    joined.refund_cents_order_basis,
    joined.refund_units_refund_basis,
    joined.refund_cents_refund_basis,
    shops.currency
from joined
join {{ ref("int_shops") }} as shops on shops.shop_id = joined.shop_id
