select
    _line,
    id as checkout_line_id,
    "__parentId" as checkout_id,
    product.id as product_id,
    variant.id as variant_id,
    title,
    sku,
    quantity,
    originalunitpriceset.shopmoney.amount as unit_price
from landed
where "__parentId" is not null
