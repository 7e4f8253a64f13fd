-- The shop over its newest 28 whole days, and over the 28 before; sums are null where no day is there.
with
    newest as (select max(date_day) as last_day from marts.fct_shop_daily where is_complete),

    windows as (
        select shop.*, case when shop.date_day > newest.last_day - 28 then 1 else 0 end as is_now
        from marts.fct_shop_daily as shop
        cross join newest
        where shop.date_day > newest.last_day - 56 and shop.date_day <= newest.last_day
    )

select
    is_now,
    min(date_day) as first_day,
    max(date_day) as last_day,
    count(distinct date_day) as days,
    sum(orders) as orders,
    sum(net_cents) as net_cents,
    sum(refund_cents) as refund_cents,
    sum(customers_new) as customers_new,
    sum(sessions) as sessions
from windows
group by is_now
order by is_now
