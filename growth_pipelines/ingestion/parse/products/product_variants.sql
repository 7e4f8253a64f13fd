select
    _line,
    id as variant_id,
    "__parentId" as product_id,
    sku,
    title,
    price,
    compareatprice as compare_at_price,
    inventoryitem.unitcost.amount as unit_cost,
    inventoryquantity as inventory_quantity,
    inventoryitem.id as inventory_item_id,
    timezone('UTC', updatedat) as updated_at
from landed
where id like 'gid://shopify/ProductVariant/%'
