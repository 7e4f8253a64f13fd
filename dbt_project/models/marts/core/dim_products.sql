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
    cast(coalesce(prices.variants, 0) as bigint) as variants,
    prices.price_min_cents,
    prices.price_max_cents,
    prices.inventory_quantity,
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
left join
    {{ ref("int_pages") }} as pages
    on pages.shop_id = products.shop_id
    and pages.resource_gid = products.product_id
