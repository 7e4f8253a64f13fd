-- What everybody who had bought before a day did in as many days before it as after it, as an experiment drawn on
-- that day would have read them: who bought nothing has zeros. Revenue is net of discounts and refunds, in minor
-- units.
with
    bounds as (
        select
            cast(? as varchar) as shop_id,
            cast(? as date) as pre_start,
            cast(? as date) as drawn_on,
            cast(? as date) as outcome_end
    ),

    bought as (
        select
            orders.customer_key,
            orders.date_day > bounds.drawn_on as is_outcome,
            count(*) as orders,
            sum(orders.net_cents - orders.refund_cents) as revenue
        from marts.fct_orders as orders
        join bounds on orders.shop_id = bounds.shop_id
        where
            orders.date_day between bounds.pre_start and bounds.outcome_end and orders.date_day <> bounds.drawn_on
        group by 1, 2
    )

select
    coalesce(after.orders, 0) as orders,
    coalesce(after.revenue, 0) as revenue,
    case when after.orders > 0 then 1 else 0 end as buyers,
    coalesce(before.orders, 0) as pre_orders,
    coalesce(before.revenue, 0) as pre_revenue
from marts.dim_customers as customers
join bounds on customers.shop_id = bounds.shop_id and customers.first_order_date < bounds.drawn_on
left join bought as after on after.customer_key = customers.customer_key and after.is_outcome
left join bought as before on before.customer_key = customers.customer_key and not before.is_outcome
order by customers.customer_key
