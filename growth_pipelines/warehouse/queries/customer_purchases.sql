-- Amounts as the lifetime value needs them: an order's net, and what was given back of it on the same day. Refunds
-- include tax and shipping, which net does not: they take back no more than the order's net.
select
    shop_id, currency, customer_key as customer_id, date_day as date, cast(net_cents as double precision) as amount
from marts.fct_orders
where customer_key is not null
union all
select
    shop_id,
    currency,
    customer_key as customer_id,
    date_day as date,
    - cast(least(refund_cents, net_cents) as double precision) as amount
from marts.fct_orders
where customer_key is not null and refund_cents > 0
