with
    payments as (
        select _line, id as order_id, unnest(transactions) as payment
        from landed
        where id like 'gid://shopify/Order/%'
    )
select
    _line,
    payment.id as transaction_id,
    order_id,
    payment.parenttransaction.id as parent_id,
    lower(payment.kind) as kind,
    lower(payment.status) as status,
    payment.gateway,
    coalesce(payment.test, false) as is_test,
    timezone('UTC', coalesce(payment.processedat, payment.createdat)) as processed_at,
    timezone(getvariable('timezone'), coalesce(payment.processedat, payment.createdat))::date as local_date,
    payment.amountset.shopmoney.amount as amount
from payments
