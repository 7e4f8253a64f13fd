select
    variants.shop_id,
    variants.variant_id,
    variants.product_id,
    products.title as product_title,
    variants.title,
    variants.sku,
    {{ cents("variants.price", "shops.minor_units") }} as price_cents,
    {{ cents("variants.compare_at_price", "shops.minor_units") }} as compare_at_cents,
    {{ cents("variants.unit_cost", "shops.minor_units") }} as cost_cents,
    {{ ratio("variants.price - variants.unit_cost", "variants.price") }} as margin_rate,
    stock.is_tracked,
    stock.locations,
    stock.on_hand,
    stock.available,
    stock.committed,
    stock.incoming,
    inventory.date_day as stock_read_on,
    inventory.units_28d,
    inventory.days_of_cover,
    inventory.urgency,
    shops.currency,
    variants.updated_at
from {{ ref("stg_shopify__product_variants") }} as variants
join {{ ref("int_shops") }} as shops on shops.shop_id = variants.shop_id
left join
    {{ ref("stg_shopify__products") }} as products
    on products.shop_id = variants.shop_id
    and products.product_id = variants.product_id
left join
    {{ ref("int_variant_stock") }} as stock
    on stock.shop_id = variants.shop_id
    and stock.variant_id = variants.variant_id
left join
    {{ ref("fct_inventory_daily") }} as inventory
    on inventory.shop_id = variants.shop_id
    and inventory.variant_id = variants.variant_id
    and inventory.is_latest
