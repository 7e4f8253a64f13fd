select
    _line,
    id as refund_line_id,
    refundid as refund_id,
    "__parentId" as order_id,
    lineitem.id as order_line_id,
    quantity,
    subtotalset.shopmoney.amount as subtotal_amount
from landed
where refundid is not null
