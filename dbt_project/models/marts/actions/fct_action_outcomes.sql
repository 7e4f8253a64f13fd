with
    outcomes as (
        select
            outcomes.*,
            actions.recommender,
            actions.kind,
            actions.page_key,
            actions.minor_units,
            actions.currency,
            windows.post_end,
            coalesce(outcomes.is_complete and windows.is_over, false) as is_mature,
            coalesce(windows.overlapping_actions > 0, false) as is_overlapping,
            coalesce(windows.is_rolled_back, false) as is_rolled_back
        from {{ ref("stg_growth__action_outcomes") }} as outcomes
        left join
            {{ ref("int_actions") }} as actions
            on actions.shop_id = outcomes.shop_id
            and actions.action_id = outcomes.action_id
        left join
            {{ ref("int_action_windows") }} as windows
            on windows.shop_id = outcomes.shop_id
            and windows.action_id = outcomes.action_id
            and windows.horizon_days = outcomes.horizon_days
    )

select
    shop_id,
    action_id,
    metric,
    horizon_days,
    recommender,
    kind,
    page_key,
    method,
    controls,
    unit,
    baseline,
    observed,
    counterfactual,
    effect,
    effect_low,
    effect_high,
    shared_error,
    estimate,
    is_promised,
    measured_at,
    post_end as horizon_ends_on,
    is_mature,
    is_overlapping,
    is_rolled_back,
    case when is_mature then outcome_class end as outcome_class,
    case
        when metric = 'revenue' and is_mature then {{ iround("effect * minor_units") }}
    end as realised_revenue_cents,
    currency
from outcomes
