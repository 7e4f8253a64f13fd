-- Every unit has a row for every metric of its experiment: one that did nothing counts as zero, not as missing.
with
    exposures as (
        select
            exposures.shop_id,
            exposures.experiment_id,
            exposures.unit_id,
            exposures.variant,
            exposures.is_control,
            exposures.is_valid,
            exposures.date_day as exposed_on,
            {{ add_days("exposures.date_day", "-experiments.pre_days") }} as pre_start,
            -- the day of exposure belongs to the outcome
            {{ add_days("exposures.date_day", "experiments.outcome_days - 1") }} as outcome_end
        from {{ ref("fct_experiment_exposures") }} as exposures
        join
            {{ ref("stg_growth__experiments") }} as experiments
            on experiments.shop_id = exposures.shop_id
            and experiments.experiment_id = exposures.experiment_id
    ),

    metrics as (select distinct shop_id, experiment_id, metric from {{ ref("stg_growth__experiment_metrics") }}),

    counted as (
        select
            exposures.shop_id,
            exposures.experiment_id,
            exposures.unit_id,
            counts.metric,
            sum(case when counts.date_day < exposures.exposed_on then counts.value else 0 end) as pre_value,
            sum(case when counts.date_day >= exposures.exposed_on then counts.value else 0 end) as outcome_value
        from exposures
        join
            {{ ref("stg_growth__experiment_metrics") }} as counts
            on counts.shop_id = exposures.shop_id
            and counts.experiment_id = exposures.experiment_id
            and counts.unit_id = exposures.unit_id
            and counts.date_day between exposures.pre_start and exposures.outcome_end
        group by 1, 2, 3, 4
    )

select
    exposures.shop_id,
    exposures.experiment_id,
    exposures.unit_id,
    metrics.metric,
    exposures.variant,
    exposures.is_control,
    exposures.is_valid,
    exposures.exposed_on,
    exposures.pre_start,
    exposures.outcome_end,
    coalesce(exposures.outcome_end < build.as_of, false) as is_mature,
    coalesce(counted.pre_value, 0) as pre_value,
    coalesce(counted.outcome_value, 0) as outcome_value
from exposures
cross join {{ ref("stg_growth__build") }} as build
join metrics on metrics.shop_id = exposures.shop_id and metrics.experiment_id = exposures.experiment_id
left join
    counted
    on counted.shop_id = exposures.shop_id
    and counted.experiment_id = exposures.experiment_id
    and counted.unit_id = exposures.unit_id
    and counted.metric = metrics.metric
