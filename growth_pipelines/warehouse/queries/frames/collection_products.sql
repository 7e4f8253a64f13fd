-- Collections whose sorting is known and whose order can be set at once, each product in its place; drafts and
-- what is not
-- published
-- are in the order, too.
select
    collections.collection_id,
    collections.page_key,
    collections.handle as collection_handle,
    collections.title as collection_title,
    collections.sort_order,
    collections.products,
    members.product_id,
    members.product_position,
    products.handle
from marts.dim_collection_products as members
join
    marts.dim_collections as collections
    on collections.shop_id = members.shop_id
    and collections.collection_id = members.collection_id
join
    marts.dim_products as products
    on products.shop_id = members.shop_id
    and products.product_id = members.product_id
where collections.products <= 250 and collections.page_key is not null and collections.sort_order is not null
order by members.collection_id, members.product_position
