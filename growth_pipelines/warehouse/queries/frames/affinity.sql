-- Pairs of products that orders hold together, in both directions; since is the first day with orders.
select
    product_id,
    paired_product_id,
    orders_product,
    orders_paired,
    orders_both,
    buyers_both,
    orders_total,
    pairs_tested,
    (select min(date_day) from marts.fct_shop_daily where orders > 0) as since
from marts.fct_product_affinity
order by product_id, paired_product_id
