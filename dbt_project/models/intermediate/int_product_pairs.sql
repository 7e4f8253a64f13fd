-- Products that were bought together: how many orders hold both, and how many hold each. Orders of very many
-- products
-- are left out of all counts, and so are products and pairs with hardly any order.
{% set max_basket, min_orders = var("affinity_max_basket"), var("affinity_min_orders") %}
with
    -- any product of an order says whose order it is: cheaper than to group millions of orders by the shop as well
    baskets as (
        select order_key, min(product_key) as product_key, count(*) as products
        from {{ ref("int_order_products") }}
        group by order_key
    ),

    too_large as (select order_key from baskets where products > {{ max_basket }}),

    held as (
        select items.order_key, items.product_key, items.buyer_key
        from {{ ref("int_order_products") }} as items
        where not exists (select 1 from too_large where too_large.order_key = items.order_key)
    ),

    counts as (
        select product_key, cast(count(*) as bigint) as orders
        from held
        group by product_key
        having count(*) >= {{ min_orders }}
    ),

    products as (
        select
            sold.shop_id,
            sold.product_id,
            sold.product_number,
            counts.product_key,
            counts.orders,
            cast(count(*) over (partition by sold.shop_id) as bigint) as products
        from counts
        join {{ ref("int_products_sold") }} as sold on sold.product_key = counts.product_key
    ),

    items as (
        select held.order_key, held.buyer_key, products.product_number
        from held
        join products on products.product_key = held.product_key
    ),

    -- by buyer first: cheaper than to count distinct ones
    bought as (
        select
            first_item.product_number as first_number,
            second_item.product_number as second_number,
            first_item.buyer_key,
            count(*) as orders
        from items as first_item
        join
            items as second_item
            on second_item.order_key = first_item.order_key
            and second_item.product_number > first_item.product_number
        group by 1, 2, 3
    ),

    together as (
        select first_number, second_number, {{ isum("orders") }} as orders_both, cast(count(*) as bigint) as buyers_both
        from bought
        group by 1, 2
        having sum(orders) >= {{ min_orders }}
    ),

    totals as (
        select sold.shop_id, cast(count(*) as bigint) as orders_total
        from baskets
        join {{ ref("int_products_sold") }} as sold on sold.product_key = baskets.product_key
        where baskets.products <= {{ max_basket }}
        group by sold.shop_id
    )

select
    first_product.shop_id,
    first_product.product_id as first_product_id,
    second_product.product_id as second_product_id,
    totals.orders_total,
    first_product.orders as orders_first,
    second_product.orders as orders_second,
    together.orders_both,
    together.buyers_both,
    cast(floor(first_product.products * (first_product.products - 1) / 2) as bigint) as pairs_tested
from together
join products as first_product on first_product.product_number = together.first_number
join products as second_product on second_product.product_number = together.second_number
join totals on totals.shop_id = first_product.shop_id
