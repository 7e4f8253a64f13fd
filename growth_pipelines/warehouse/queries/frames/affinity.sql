-- Pairs of products that orders hold together, in both directions.
select
    product_id, paired_product_id, orders_product, orders_paired, orders_both, buyers_both, orders_total, pairs_tested
from marts.fct_product_affinity
order by product_id, paired_product_id
