with
    source as (select * from {{ source("raw", "growth_action_outcomes") }}),

    renamed as (
        select
            shop_id,
            action_id,
            metric,
            horizon_days,
            method,
            unit,
            baseline,
            observed,
            counterfactual,
            effect,
            effect_low,
            effect_high,
            shared_error,
            estimate,
            outcome_class,
            is_promised,
            controls,
            is_complete,
            measured_at
        from source
    )

select *
from renamed
