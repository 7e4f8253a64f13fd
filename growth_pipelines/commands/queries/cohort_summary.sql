-- The newest twelve cohorts: how many came, and which share ordered again within one, two, three and six months.
select
    cohort_month,
    max(cohort_size) as customers,
    max(case when period_index = 1 then 1.0 * active_customers / cohort_size end) as month_1,
    max(case when period_index = 2 then 1.0 * active_customers / cohort_size end) as month_2,
    max(case when period_index = 3 then 1.0 * active_customers / cohort_size end) as month_3,
    max(case when period_index = 6 then 1.0 * active_customers / cohort_size end) as month_6,
    sum(net_cents) as net_cents
from marts.fct_cohort_retention
group by cohort_month
order by cohort_month desc
limit 12
