-- Who makes the base of customers grow: the newest two whole months, the newest last.
select
    period_start,
    period_end,
    new_customers,
    retained_customers,
    resurrected_customers,
    churned_customers,
    active_customers,
    quick_ratio_customers
from marts.fct_growth_accounting
where grain = 'month' and is_complete
order by period_start desc
limit 2
