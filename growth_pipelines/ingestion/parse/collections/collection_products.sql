select _line, "__parentId" as collection_id, id as product_id, "__position" as position
from landed
where id like 'gid://shopify/Product/%'
