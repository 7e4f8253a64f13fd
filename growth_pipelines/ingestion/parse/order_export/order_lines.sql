-- An export names no product or variant, only their title and SKU.
with lines as (select _line, order_id, unnest(lines) as line from landed)
select
    _line,
    line.order_line_id,
    order_id,
    null as product_id,
    null as variant_id,
    line.title,
    line.sku,
    line.quantity,
    line.quantity as current_quantity,
    line.unit_price,
    line.gross_amount,
    line.discount_amount
from lines
