-- The first exposure of a unit is the one that counts: what it meets later cannot have caused what it did before.
with
    exposures as (select * from {{ ref("stg_growth__exposures") }}),

    units as (
        select
            shop_id,
            experiment_id,
            unit_id,
            min(exposed_at) as first_exposed_at,
            cast(count(*) as bigint) as exposures,
            cast(count(distinct variant) as bigint) as variants_seen
        from exposures
        group by 1, 2, 3
    ),

    -- two exposures in the same instant are told apart by their ids
    firsts as (
        select
            exposures.shop_id,
            exposures.experiment_id,
            exposures.unit_id,
            min(exposures.exposure_id) as exposure_id
        from exposures
        join
            units
            on units.shop_id = exposures.shop_id
            and units.experiment_id = exposures.experiment_id
            and units.unit_id = exposures.unit_id
            and units.first_exposed_at = exposures.exposed_at
        group by 1, 2, 3
    )

select
    exposures.shop_id,
    exposures.experiment_id,
    exposures.unit_id,
    experiments.unit_type,
    exposures.variant,
    variants.is_control,
    exposures.exposed_at,
    exposures.date_day,
    units.exposures,
    units.variants_seen,
    variants.variant is not null as is_declared,
    coalesce(
        exposures.exposed_at >= experiments.started_at
        and (experiments.ended_at is null or exposures.exposed_at <= experiments.ended_at),
        false
    ) as is_in_time,
    units.variants_seen = 1
    and variants.variant is not null
    and coalesce(
        exposures.exposed_at >= experiments.started_at
        and (experiments.ended_at is null or exposures.exposed_at <= experiments.ended_at),
        false
    ) as is_valid
from exposures
join
    firsts
    on firsts.shop_id = exposures.shop_id
    and firsts.experiment_id = exposures.experiment_id
    and firsts.unit_id = exposures.unit_id
    and firsts.exposure_id = exposures.exposure_id
join
    units
    on units.shop_id = exposures.shop_id
    and units.experiment_id = exposures.experiment_id
    and units.unit_id = exposures.unit_id
left join
    {{ ref("stg_growth__experiments") }} as experiments
    on experiments.shop_id = exposures.shop_id
    and experiments.experiment_id = exposures.experiment_id
left join
    {{ ref("stg_growth__experiment_variants") }} as variants
    on variants.shop_id = exposures.shop_id
    and variants.experiment_id = exposures.experiment_id
    and variants.variant = exposures.variant
