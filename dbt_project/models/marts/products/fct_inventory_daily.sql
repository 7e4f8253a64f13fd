{% set days = 28 %}
with
    levels as (
        select
            shop_id,
            variant_id,
            date_day,
            max(product_id) as product_id,
            max(source) as source,
            -- counted if it is at any location
            max(case when is_tracked then 1 when not is_tracked then 0 end) = 1 as is_tracked,
            cast(count(location_id) as bigint) as locations,
            cast(sum(on_hand) as bigint) as on_hand,
            cast(sum(available) as bigint) as available,
            cast(sum(committed) as bigint) as committed,
            cast(sum(incoming) as bigint) as incoming
        from {{ ref("stg_shopify__inventory_days") }}
        group by 1, 2, 3
    ),

    first_days as (
        select shop_id, {{ add_days("min(date_day)", -days) }} as first_day from levels group by shop_id
    ),

    sales as (
        select lines.shop_id, lines.variant_id, lines.date_day, sum(lines.quantity) as units
        from {{ ref("int_order_lines") }} as lines
        join first_days on first_days.shop_id = lines.shop_id and lines.date_day >= first_days.first_day
        where lines.variant_id is not null
        group by 1, 2, 3
    ),

    sold as (
        select levels.shop_id, levels.variant_id, levels.date_day, {{ isum("sales.units") }} as units
        from levels
        join
            sales
            on sales.shop_id = levels.shop_id
            and sales.variant_id = levels.variant_id
            and sales.date_day >= {{ add_days("levels.date_day", -days) }}
            and sales.date_day < levels.date_day
        group by 1, 2, 3
    ),

    latest as (select shop_id, variant_id, max(date_day) as date_day from levels group by 1, 2),

    covered as (
        select
            levels.*,
            latest.date_day is not null as is_latest,
            coalesce(sold.units, 0) as units_{{ days }}d,
            {{ ratio("greatest(levels.on_hand, 0) * " ~ days, "sold.units") }} as cover
        from levels
        left join
            sold
            on sold.shop_id = levels.shop_id
            and sold.variant_id = levels.variant_id
            and sold.date_day = levels.date_day
        left join
            latest
            on latest.shop_id = levels.shop_id
            and latest.variant_id = levels.variant_id
            and latest.date_day = levels.date_day
    )

select
    shop_id,
    variant_id,
    date_day,
    product_id,
    source,
    is_latest,
    is_tracked,
    locations,
    on_hand,
    available,
    committed,
    incoming,
    units_{{ days }}d,
    cast(units_{{ days }}d as double precision) / {{ days }} as avg_daily_units,
    case when is_tracked is not false then cover end as days_of_cover,
    case
        when is_tracked is false or coalesce(available, on_hand) is null
        then null
        when coalesce(available, on_hand) <= 0 or cover < 3
        then 'critical'
        when cover < 7
        then 'high'
        when cover < 14
        then 'medium'
        else 'low'
    end as urgency
from covered
