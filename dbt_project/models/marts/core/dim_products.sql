with
    stock as (
        select
            shop_id,
            product_id,
            cast(sum(on_hand) as bigint) as on_hand,
            cast(sum(available) as bigint) as available,
            cast(count(case when available <= 0 and is_tracked is not false then 1 end) as bigint) as variants_out
        from {{ ref("int_variant_stock") }}
        group by 1, 2
    ),

    collected as (
        select shop_id, product_id, cast(count(*) as bigint) as collections
        from {{ ref("stg_shopify__collection_products") }}
        group by 1, 2
    )

select
    products.shop_id,
    products.product_id,
    pages.page_key,
    products.handle,
    products.title,
    products.product_type,
    products.vendor,
    products.status,
    products.tags,
    products.complementary_products,
    products.related_products,
    cast(coalesce(prices.variants, 0) as bigint) as variants,
    coalesce(collected.collections, 0) as collections,
    prices.price_min_cents,
    prices.price_max_cents,
    prices.cost_min_cents,
    prices.cost_max_cents,
    prices.inventory_quantity,
    stock.on_hand,
    stock.available,
    coalesce(stock.variants_out, 0) as variants_out,
    prices.margin_rate,
    shops.currency,
    products.created_at,
    products.updated_at,
    products.published_at
from {{ ref("stg_shopify__products") }} as products
join {{ ref("int_shops") }} as shops on shops.shop_id = products.shop_id
left join
    {{ ref("int_product_prices") }} as prices
    on prices.shop_id = products.shop_id
    and prices.product_id = products.product_id
left join stock on stock.shop_id = products.shop_id and stock.product_id = products.product_id
left join collected on collected.shop_id = products.shop_id and collected.product_id = products.product_id
left join
    {{ ref("int_pages") }} as pages
    on pages.shop_id = products.shop_id
    and pages.resource_gid = products.product_id
