-- One row a customer and month with at least one order. Guests without any customer key belong to no cohort.
select
    shop_id,
    customer_key,
    {{ month_of("first_order_date") }} as cohort_month,
    {{ month_of("date_day") }} as date_month,
    cast(count(*) as bigint) as orders,
    {{ isum("gross_cents") }} as gross_cents,
    {{ isum("discount_cents") }} as discount_cents,
    {{ isum("net_cents") }} as net_cents,
    {{ isum("refund_cents") }} as refund_cents
from {{ ref("int_orders") }}
where customer_key is not null
group by 1, 2, 3, 4
