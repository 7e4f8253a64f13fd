-- Products by id (eleven at most, repeated where there are fewer), with what is left of them at the last build.
select
    product_id,
    handle,
    title,
    page_key,
    price_min_cents,
    currency,
    status = 'active' and coalesce(variants_out, 0) < variants and price_min_cents > 0 as is_for_sale
from marts.dim_products
where product_id in (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
