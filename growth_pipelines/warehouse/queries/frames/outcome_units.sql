-- Whose days are compared with whose: pages with their templates, products with their types.
select 'page' as family, page_key as unit, page_type as template, resource_gid as gid
from marts.dim_pages
union all
select 'product' as family, product_id as unit, coalesce(product_type, '') as template, product_id as gid
from marts.dim_products
order by 1, 2
