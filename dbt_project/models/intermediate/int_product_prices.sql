-- Prices, stock and cost of each product over its variants. Margin and costs are null unless every variant's
-- cost is
-- known.
select
    variants.shop_id,
    variants.product_id,
    cast(count(*) as bigint) as variants,
    cast(min(variants.price) as double precision) as price,
    {{ cents("min(variants.price)", "min(shops.minor_units)") }} as price_min_cents,
    {{ cents("max(variants.price)", "min(shops.minor_units)") }} as price_max_cents,
    case
        when count(variants.unit_cost) = count(*)
        then {{ cents("min(variants.unit_cost)", "min(shops.minor_units)") }}
    end as cost_min_cents,
    case
        when count(variants.unit_cost) = count(*)
        then {{ cents("max(variants.unit_cost)", "min(shops.minor_units)") }}
    end as cost_max_cents,
    {{ isum("variants.inventory_quantity") }} as inventory_quantity,
    case
        when count(variants.unit_cost) = count(*) and sum(variants.price) > 0
        then
            cast(sum(variants.price - variants.unit_cost) as double precision)
            / cast(sum(variants.price) as double precision)
    end as margin_rate
from {{ ref("stg_shopify__product_variants") }} as variants
join {{ ref("int_shops") }} as shops on shops.shop_id = variants.shop_id
group by 1, 2
