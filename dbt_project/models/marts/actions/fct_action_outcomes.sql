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
            coalesce(windows.is_rolled_back, false) as is_rolled_back,
            -- less is better where less was promised: then everything is mirrored
            case when outcomes.estimate < 0 then -1 else 1 end as direction
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
    ),

    -- as much as was promised, in the direction that was promised
    mirrored as (
        select
            *,
            direction * effect as gain,
            case when direction < 0 then - effect_high else effect_low end as gain_low,
            case when direction < 0 then - effect_low else effect_high end as gain_high,
            direction * estimate as promised
        from outcomes
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
    estimate,
    measured_at,
    post_end as horizon_ends_on,
    is_mature,
    is_overlapping,
    is_rolled_back,
    case
        when not is_mature or estimate is null or gain_low is null or gain_high is null
        then null
        when gain_high < 0
        then 'negative'
        when gain_low > 0 and gain >= 0.8 * promised
        then 'success'
        when gain_low > 0
        then 'partial'
        when promised between gain_low and gain_high
        then 'inconclusive'
        else 'none'
    end as outcome_class,
    case
        when metric = 'revenue' and is_mature then {{ iround("effect * minor_units") }}
    end as realised_revenue_cents,
    currency
from mirrored
