select _line, id as order_id, generate_subscripts(discountcodes, 1) as position, unnest(discountcodes) as code
from landed
where id like 'gid://shopify/Order/%'
