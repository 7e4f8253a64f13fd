with
    counted as (
        select
            payments.shop_id,
            payments.transaction_id,
            payments.order_id,
            payments.parent_transaction_id,
            orders.customer_key,
            payments.date_day,
            orders.date_day as order_date,
            payments.processed_at,
            payments.kind,
            payments.status,
            payments.gateway,
            payments.status = 'success' as is_successful,
            {{ cents("coalesce(payments.amount, 0)", "orders.minor_units") }} as amount_cents,
            orders.currency
        from {{ ref("stg_shopify__order_transactions") }} as payments
        join
            {{ ref("int_orders") }} as orders
            on orders.shop_id = payments.shop_id
            and orders.order_id = payments.order_id
        where not payments.is_test
    )

select
    shop_id,
    transaction_id,
    order_id,
    parent_transaction_id,
    customer_key,
    date_day,
    order_date,
    processed_at,
    kind,
    status,
    gateway,
    is_successful,
    amount_cents,
    case
        when not is_successful
        then 0
        when kind in ('sale', 'capture')
        then amount_cents
        when kind in ('refund', 'change')
        then - amount_cents
        else 0
    end as received_cents,
    currency
from counted
