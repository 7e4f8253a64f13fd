-- An export does not say which lines were refunded.
select
    _line,
    order_id as refund_line_id,
    order_id as refund_id,
    order_id,
    order_id as order_line_id,
    0 as quantity,
    0 as subtotal_amount
from landed
where false
