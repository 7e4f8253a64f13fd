with
    lines as (
        select
            shop_id,
            checkout_id,
            cast(count(*) as bigint) as lines,
            cast(count(distinct product_id) as bigint) as products,
            {{ isum("quantity") }} as units
        from {{ ref("stg_shopify__abandoned_checkout_lines") }}
        group by 1, 2
    )

select
    checkouts.shop_id,
    checkouts.checkout_id,
    checkouts.customer_key,
    checkouts.date_day,
    checkouts.created_at,
    checkouts.updated_at,
    checkouts.completed_at,
    checkouts.is_completed,
    coalesce(lines.lines, 0) as lines,
    coalesce(lines.products, 0) as products,
    coalesce(lines.units, 0) as units,
    {{ cents("coalesce(checkouts.lines_amount, 0)", "shops.minor_units") }} as gross_cents,
    {{ cents("coalesce(checkouts.discount_amount, 0)", "shops.minor_units") }} as discount_cents,
    {{ cents("coalesce(checkouts.total_amount, 0)", "shops.minor_units") }} as total_cents,
    shops.currency
from {{ ref("stg_shopify__abandoned_checkouts") }} as checkouts
join {{ ref("int_shops") }} as shops on shops.shop_id = checkouts.shop_id
left join lines on lines.shop_id = checkouts.shop_id and lines.checkout_id = checkouts.checkout_id
