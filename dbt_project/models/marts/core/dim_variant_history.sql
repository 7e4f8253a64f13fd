with
    states as (
        select
            changes.shop_id,
            changes.variant_id,
            changes.product_id,
            changes.date_day as valid_from,
            lead(changes.date_day) over (
                partition by changes.shop_id, changes.variant_id order by changes.date_day
            ) as next_from,
            changes.product_title,
            changes.variant_title,
            changes.status,
            {{ cents("changes.price", "shops.minor_units") }} as price_cents,
            {{ cents("changes.compare_at_price", "shops.minor_units") }} as compare_at_cents,
            {{ cents("changes.unit_cost", "shops.minor_units") }} as cost_cents,
            shops.currency
        from {{ ref("stg_shopify__variant_changes") }} as changes
        join {{ ref("int_shops") }} as shops on shops.shop_id = changes.shop_id
    )

select
    shop_id,
    variant_id,
    valid_from,
    {{ add_days("next_from", -1) }} as valid_to,
    next_from is null as is_newest,
    product_id,
    product_title,
    variant_title,
    status,
    price_cents,
    price_cents
    - lag(price_cents) over (partition by shop_id, variant_id order by valid_from) as price_cents_change,
    compare_at_cents,
    cost_cents,
    currency
from states
