-- Which orders hold which products: a row an order and known product, however many lines it has of it. Orders and
-- products are numbers here (hash_key): millions of these rows are joined with each other.
select
    shop_id,
    {{ hash_key(["shop_id", "order_id"]) }} as order_key,
    {{ hash_key(["shop_id", "product_id"]) }} as product_key,
    -- an order without a customer is by somebody of its own
    min({{ hash_key(["shop_id", "coalesce(customer_key, order_id)"]) }}) as buyer_key,
    min(date_day) as date_day,
    cast(count(*) as bigint) as lines
from {{ ref("int_order_lines") }}
where product_id is not null
group by 1, 2, 3
