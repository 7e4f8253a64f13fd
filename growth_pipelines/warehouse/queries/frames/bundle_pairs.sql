-- Products that go together more often than by chance, both for sale: the pair once, in its stronger direction.
select
    pairs.product_id,
    pairs.paired_product_id,
    products.page_key,
    products.handle,
    products.title,
    paired.title as paired_title,
    pairs.orders_product,
    pairs.orders_paired,
    pairs.orders_both,
    pairs.buyers_both,
    pairs.orders_total,
    pairs.confidence,
    pairs.lift,
    pairs.q_value,
    (select min(date_day) from marts.fct_shop_daily where orders > 0) as since
from marts.fct_product_affinity as pairs
join
    marts.dim_products as products
    on products.shop_id = pairs.shop_id
    and products.product_id = pairs.product_id
    and products.status = 'active'
    and products.published_at is not null
join
    marts.dim_products as paired
    on paired.shop_id = pairs.shop_id
    and paired.product_id = pairs.paired_product_id
    and paired.status = 'active'
    and paired.published_at is not null
where
    pairs.is_significant
    and (
        pairs.orders_product < pairs.orders_paired
        or (pairs.orders_product = pairs.orders_paired and pairs.product_id < pairs.paired_product_id)
    )
order by pairs.product_id, pairs.paired_product_id
