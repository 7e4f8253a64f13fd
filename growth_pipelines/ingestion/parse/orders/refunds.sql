with
    refunds as (
        select _line, id as order_id, unnest(refunds) as refund from landed where id like 'gid://shopify/Order/%'
    )
select
    _line,
    refund.id as refund_id,
    order_id,
    timezone('UTC', coalesce(refund.createdat, refund.processedat)) as created_at,
    timezone(getvariable('timezone'), coalesce(refund.createdat, refund.processedat))::date as local_date,
    refund.totalrefundedset.shopmoney.amount as total_amount
from refunds
