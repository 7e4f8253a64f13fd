-- What is for sale, variant by variant: stock, price and cost.
select
    variants.variant_id,
    variants.product_id,
    products.page_key,
    products.handle,
    products.title as product_title,
    variants.title as variant_title,
    variants.sku,
    variants.price_cents,
    variants.cost_cents,
    variants.is_tracked,
    coalesce(variants.available, variants.on_hand) as available,
    coalesce(variants.incoming, 0) as incoming,
    variants.stock_read_on
from marts.dim_product_variants as variants
join
    marts.dim_products as products
    on products.shop_id = variants.shop_id
    and products.product_id = variants.product_id
where products.status = 'active' and products.published_at is not null
order by variants.product_id, variants.variant_id
