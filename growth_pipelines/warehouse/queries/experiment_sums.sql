-- Units whose days of outcome are over; those that came in the first week apart from later ones.
select
    outcomes.experiment_id,
    outcomes.metric,
    outcomes.variant,
    outcomes.exposed_on < experiments.started_on + 7 as is_first_week,
    count(*) as n,
    sum(case when outcomes.outcome_value > 0 then 1 else 0 end) as converted,
    sum(outcomes.outcome_value) as sum,
    sum(outcomes.outcome_value * outcomes.outcome_value) as sum_squares,
    sum(outcomes.pre_value) as pre_sum,
    sum(outcomes.pre_value * outcomes.pre_value) as pre_sum_squares,
    sum(outcomes.outcome_value * outcomes.pre_value) as xpre_sum
from marts.fct_experiment_outcomes as outcomes
join
    marts.dim_experiments as experiments
    on experiments.shop_id = outcomes.shop_id
    and experiments.experiment_id = outcomes.experiment_id
where outcomes.is_valid and outcomes.is_mature
group by 1, 2, 3, 4
order by 1, 2, 3, 4
