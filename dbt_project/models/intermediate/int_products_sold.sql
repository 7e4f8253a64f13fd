-- Every product that any order holds, deleted ones too, with the numbers that stand for it in int_order_products
-- and
-- in joins of pairs.
with
    sold as (
        select shop_id, product_id
        from {{ ref("int_order_lines") }}
        where product_id is not null
        group by shop_id, product_id
    )

select
    shop_id,
    product_id,
    {{ hash_key(["shop_id", "product_id"]) }} as product_key,
    cast(row_number() over (order by shop_id, product_id) as integer) as product_number
from sold
