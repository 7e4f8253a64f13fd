with
    realised as (
        select shop_id, action_id, realised_revenue_cents, outcome_class
        from {{ ref("fct_action_outcomes") }}
        where metric = 'revenue' and horizon_days = 28
    )

select
    actions.shop_id,
    actions.action_id,
    actions.ref,
    actions.kind,
    actions.subtype,
    actions.recommender,
    actions.recommender_version,
    actions.ranking_version,
    actions.version,
    actions.state,
    actions.state_at,
    actions.target_type,
    actions.resource_gid,
    actions.page_key,
    actions.priority,
    actions.risk_tier,
    actions.confidence,
    actions.ease,
    actions.score,
    actions.impact_metric,
    actions.impact_unit,
    actions.impact_delta,
    actions.impact_low,
    actions.impact_high,
    actions.estimated_revenue_cents,
    actions.estimated_revenue_low_cents,
    actions.estimated_revenue_high_cents,
    realised.realised_revenue_cents,
    realised.outcome_class,
    actions.proposed_at,
    actions.proposed_on,
    actions.decided_at,
    actions.decided_by,
    actions.decision_channel,
    actions.decision,
    actions.reason_code,
    actions.first_approved_at,
    actions.approved_at,
    actions.executed_at,
    actions.executed_on,
    actions.measured_at,
    actions.rolled_back_at,
    actions.expires_at,
    actions.execution_status,
    coalesce(actions.attempts, 0) as attempts,
    {{ hour_diff("actions.first_approved_at", "actions.proposed_at") }} as hours_to_approve,
    {{ hour_diff("actions.executed_at", "actions.approved_at") }} as hours_to_execute,
    actions.currency
from {{ ref("int_actions") }} as actions
left join realised on realised.shop_id = actions.shop_id and realised.action_id = actions.action_id
