select
    _line,
    order_id || '/refund' as refund_id,
    order_id,
    coalesce(cancelled_at, created_at) as created_at,
    timezone(getvariable('timezone'), timezone('UTC', coalesce(cancelled_at, created_at)))::date as local_date,
    refunded_amount as total_amount
from landed
where refunded_amount > 0
