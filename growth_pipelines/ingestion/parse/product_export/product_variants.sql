with listed as (select _line, product_id, unnest(variants) as variant from landed)
select
    _line,
    product_id,
    variant.variant_id,
    variant.sku,
    variant.title,
    variant.price,
    variant.compare_at_price,
    variant.unit_cost,
    variant.inventory_quantity,
    null as updated_at
from listed
