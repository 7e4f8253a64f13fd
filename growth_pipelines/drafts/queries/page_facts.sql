-- What a page says of itself, and what search engines show of it.
select title, product_type, vendor, tags, description, effective_title, effective_description
from marts.dim_pages
where resource_gid = ?
order by page_key
limit 1
