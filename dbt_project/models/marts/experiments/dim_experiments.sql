-- The sample-ratio check is a chi-square test of all units' first variants against the weights: leaving out those
-- that saw two variants would hide the fault that it looks for.
with
    counted as (
        select
            shop_id,
            experiment_id,
            variant,
            cast(count(*) as bigint) as units,
            {{ isum("case when is_valid then 1 else 0 end") }} as valid_units
        from {{ ref("fct_experiment_exposures") }}
        group by 1, 2, 3
    ),

    arms as (
        select
            variants.shop_id,
            variants.experiment_id,
            variants.weight,
            coalesce(counted.units, 0) as units,
            sum(variants.weight) over (partition by variants.shop_id, variants.experiment_id) as total_weight,
            sum(coalesce(counted.units, 0)) over (
                partition by variants.shop_id, variants.experiment_id
            ) as total_units
        from {{ ref("stg_growth__experiment_variants") }} as variants
        left join
            counted
            on counted.shop_id = variants.shop_id
            and counted.experiment_id = variants.experiment_id
            and counted.variant = variants.variant
        -- an arm that is switched off expects nobody
        where variants.weight > 0
    ),

    balance as (
        select
            shop_id,
            experiment_id,
            cast(count(*) as bigint) as arms,
            -- rounded: sums of fractions differ in their last digits from engine to engine
            {{
                iround(
                    "1000000 * sum("
                    ~ ratio(
                        "(units - total_units * weight / total_weight) * (units - total_units * weight / total_weight)",
                        "total_units * weight / total_weight",
                    )
                    ~ ")"
                )
            }}
            as chi_square_millionths
        from arms
        group by 1, 2
    ),

    totals as (
        select shop_id, experiment_id, {{ isum("units") }} as units, {{ isum("valid_units") }} as valid_units
        from counted
        group by 1, 2
    ),

    metrics as (
        select shop_id, experiment_id, cast(count(distinct metric) as bigint) as metrics
        from {{ ref("stg_growth__experiment_metrics") }}
        group by 1, 2
    )

select
    experiments.shop_id,
    experiments.experiment_id,
    experiments.experiment_key,
    experiments.unit_type,
    experiments.status,
    experiments.primary_metric,
    experiments.pre_days,
    experiments.outcome_days,
    experiments.started_at,
    experiments.started_on,
    experiments.ended_at,
    experiments.ended_on,
    coalesce(balance.arms, 0) as arms,
    coalesce(metrics.metrics, 0) as metrics,
    coalesce(totals.units, 0) as units,
    coalesce(totals.valid_units, 0) as valid_units,
    cast(balance.chi_square_millionths as double precision) / 1000000 as srm_chi_square,
    coalesce(
        cast(balance.chi_square_millionths as double precision) / 1000000 >= critical.chi_square, false
    ) as has_sample_ratio_mismatch
from {{ ref("stg_growth__experiments") }} as experiments
left join balance on balance.shop_id = experiments.shop_id and balance.experiment_id = experiments.experiment_id
left join totals on totals.shop_id = experiments.shop_id and totals.experiment_id = experiments.experiment_id
left join metrics on metrics.shop_id = experiments.shop_id and metrics.experiment_id = experiments.experiment_id
left join {{ ref("chi_square_critical") }} as critical on critical.degrees_of_freedom = balance.arms - 1
