-- Every shop that any row belongs to. A shop known only from an import takes its name, zone and currency from the
-- settings, or its currency from its orders.
with
    build as (select * from {{ ref("stg_growth__build") }}),

    known as (select * from {{ ref("stg_shopify__shops") }}),

    from_orders as (
        select shop_id, max(currency) as currency from {{ ref("stg_shopify__orders") }} group by shop_id
    ),

    seen as (
        select shop_id
        from known
        union
        select shop_id
        from from_orders
        union
        select shop_id
        from {{ ref("stg_search_console__property_daily") }}
        union
        select shop_id
        from {{ ref("stg_search_console__page_daily") }}
    ),

    described as (
        select
            seen.shop_id,
            coalesce(known.name, seen.shop_id) as name,
            coalesce(known.domain, seen.shop_id) as domain,
            coalesce(known.primary_url, 'https://' || seen.shop_id) as primary_url,
            coalesce(known.currency, from_orders.currency, build.currency, 'USD') as currency,
            coalesce(known.timezone, build.timezone, 'UTC') as timezone,
            coalesce(known.primary_locale, 'en') as primary_locale,
            build.as_of
        from seen
        cross join build
        left join known on known.shop_id = seen.shop_id
        left join from_orders on from_orders.shop_id = seen.shop_id
    )

select
    described.*,
    -- 10 to the currency's exponent: how many minor units make one major unit
    cast(power(10, coalesce(exponents.exponent, 2)) as bigint) as minor_units
from described
left join {{ ref("currency_exponents") }} as exponents on exponents.currency = described.currency
