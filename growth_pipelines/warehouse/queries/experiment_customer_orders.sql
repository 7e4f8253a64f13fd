-- What each customer of an experiment bought in as many days before the start as after it; who bought nothing has
-- zeros. Revenue is net of discounts and refunds, in minor units.
with
    bounds as (
        select
            cast(? as date) as pre_start,
            cast(? as date) as started_on,
            cast(? as date) as outcome_start,
            cast(? as date) as outcome_end
    ),

    bought as (
        select
            orders.customer_key,
            sum(case when orders.date_day < bounds.started_on then 1 else 0 end) as pre_orders,
            sum(
                case
                    when orders.date_day < bounds.started_on then orders.net_cents - orders.refund_cents else 0
                end
            ) as pre_revenue,
            sum(case when orders.date_day >= bounds.outcome_start then 1 else 0 end) as orders,
            sum(
                case
                    when orders.date_day >= bounds.outcome_start then orders.net_cents - orders.refund_cents else 0
                end
            ) as revenue
        from marts.fct_orders as orders
        cross join bounds
        where orders.date_day between bounds.pre_start and bounds.outcome_end and orders.customer_key is not null
        group by 1
    )

select
    exposures.unit_id,
    exposures.variant,
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.revenue, 0) as revenue,
    case when bought.orders > 0 then 1 else 0 end as buyers,
    coalesce(bought.pre_orders, 0) as pre_orders,
    coalesce(bought.pre_revenue, 0) as pre_revenue
from marts.fct_experiment_exposures as exposures
left join bought on bought.customer_key = exposures.unit_id
where exposures.experiment_id = ? and exposures.is_valid
order by 1
