with
    source as (select * from {{ source("raw", "growth_experiments") }}),

    renamed as (
        select
            shop_id,
            experiment_id,
            experiment_key,
            unit_type,
            status,
            primary_metric,
            coalesce(pre_days, 0) as pre_days,
            outcome_days,
            started_at,
            started_date as started_on,
            ended_at,
            ended_date as ended_on
        from source
    )

select *
from renamed
