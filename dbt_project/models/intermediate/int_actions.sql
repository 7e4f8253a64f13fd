-- An action as it is now, with the moments of its life, the page it is about, and money in minor units.
with
    moments as (
        select
            shop_id,
            action_id,
            min(
                case when to_state = 'approved' and from_state <> to_state then occurred_at end
            ) as first_approved_at,
            min(case when to_state = 'approved' and from_state <> to_state then date_day end) as first_approved_on,
            max(case when to_state = 'approved' and from_state <> to_state then occurred_at end) as approved_at,
            max(case when to_state = 'measured' and from_state <> to_state then occurred_at end) as measured_at,
            max(
                case when to_state = 'rolled_back' and from_state <> to_state then occurred_at end
            ) as rolled_back_at,
            max(case when to_state = 'rolled_back' and from_state <> to_state then date_day end) as rolled_back_on,
            -- what was said about the draft; asking for a rollback is about its result
            max(case when decision <> 'rollback' then seq end) as decision_seq
        from {{ ref("stg_growth__action_events") }}
        group by shop_id, action_id
    )

select
    actions.*,
    case when actions.target_url is not null then {{ page_key("actions.target_url") }} end as page_key,
    moments.first_approved_at,
    moments.first_approved_on,
    moments.approved_at,
    moments.measured_at,
    moments.rolled_back_at,
    moments.rolled_back_on,
    decisions.occurred_at as decided_at,
    decisions.actor as decided_by,
    decisions.channel as decision_channel,
    decisions.decision,
    decisions.reason_code,
    executions.status as execution_status,
    executions.attempts,
    {{ iround("actions.revenue_28d * shops.minor_units") }} as estimated_revenue_cents,
    {{ iround("actions.revenue_low * shops.minor_units") }} as estimated_revenue_low_cents,
    {{ iround("actions.revenue_high * shops.minor_units") }} as estimated_revenue_high_cents,
    shops.minor_units,
    shops.currency
from {{ ref("stg_growth__actions") }} as actions
left join {{ ref("int_shops") }} as shops on shops.shop_id = actions.shop_id
left join moments on moments.shop_id = actions.shop_id and moments.action_id = actions.action_id
left join
    {{ ref("stg_growth__action_events") }} as decisions
    on decisions.shop_id = moments.shop_id
    and decisions.seq = moments.decision_seq
left join
    {{ ref("stg_growth__executions") }} as executions
    on executions.shop_id = actions.shop_id
    and executions.action_id = actions.action_id
    and executions.version = actions.version
