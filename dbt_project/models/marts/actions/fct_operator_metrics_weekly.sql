{% set counted = {
    "proposed": "events.event = 'created'",
    "decided": "events.decision <> 'rollback'",
    "approved": "moved and events.to_state = 'approved'",
    "rejected": "moved and events.to_state = 'rejected'",
    "changes_requested": "moved and events.to_state = 'changes_requested'",
    "deferred": "moved and events.to_state = 'deferred'",
    "expired": "moved and events.to_state = 'expired'",
    "executed": "moved and events.to_state = 'executed'",
    "failed": "moved and events.to_state = 'failed'",
    "rolled_back": "moved and events.to_state = 'rolled_back'",
} %}
with
    events as (
        select
            events.*,
            actions.recommender,
            actions.kind,
            actions.currency,
            coalesce(events.from_state <> events.to_state, false) as moved
        from {{ ref("stg_growth__action_events") }} as events
        join
            {{ ref("int_actions") }} as actions
            on actions.shop_id = events.shop_id
            and actions.action_id = events.action_id
    ),

    weeks as (
        select
            shop_id,
            {{ week_of("date_day") }} as date_week,
            recommender,
            kind,
            max(currency) as currency
            {%- for name, condition in counted.items() %}
                , {{ isum("case when " ~ condition ~ " then 1 else 0 end") }} as {{ name }}
            {%- endfor %}
        from events
        group by 1, 2, 3, 4
    ),

    answers as (
        select
            shop_id,
            {{ week_of("first_approved_on") }} as date_week,
            recommender,
            kind,
            {{ percentile_hours(0.5, "first_approved_at", "proposed_at") }} as median_hours_to_approve,
            {{ percentile_hours(0.9, "first_approved_at", "proposed_at") }} as p90_hours_to_approve
        from {{ ref("int_actions") }}
        where first_approved_on is not null
        group by 1, 2, 3, 4
    ),

    results as (
        select
            actions.shop_id,
            {{ week_of("actions.executed_on") }} as date_week,
            actions.recommender,
            actions.kind,
            {{ percentile_hours(0.5, "actions.executed_at", "actions.approved_at") }} as median_hours_to_execute,
            {{ isum("case when outcomes.realised_revenue_cents is not null then 1 else 0 end") }} as measured,
            {{
                isum(
                    "case when outcomes.realised_revenue_cents is not null then actions.estimated_revenue_cents end"
                )
            }}
            as estimated_revenue_cents,
            {{ isum("outcomes.realised_revenue_cents") }} as realised_revenue_cents
        from {{ ref("int_actions") }} as actions
        left join
            {{ ref("fct_action_outcomes") }} as outcomes
            on outcomes.shop_id = actions.shop_id
            and outcomes.action_id = actions.action_id
            and outcomes.metric = 'revenue'
            and outcomes.horizon_days = 28
        where actions.executed_on is not null
        group by 1, 2, 3, 4
    )

select
    weeks.shop_id,
    weeks.date_week,
    weeks.recommender,
    weeks.kind,
    {{ add_days("weeks.date_week", 7) }} <= build.as_of as is_complete,
    {%- for name in counted %} weeks.{{ name }}, {%- endfor %}
    coalesce(results.measured, 0) as measured,
    coalesce(results.estimated_revenue_cents, 0) as estimated_revenue_cents,
    coalesce(results.realised_revenue_cents, 0) as realised_revenue_cents,
    {{ ratio("weeks.approved", "weeks.approved + weeks.rejected") }} as acceptance_rate,
    {{ ratio("coalesce(results.measured, 0)", "weeks.executed") }} as measured_share,
    {{ ratio("results.realised_revenue_cents", "results.estimated_revenue_cents") }} as realised_share,
    answers.median_hours_to_approve,
    answers.p90_hours_to_approve,
    results.median_hours_to_execute,
    weeks.currency
from weeks
cross join {{ ref("stg_growth__build") }} as build
left join
    answers
    on answers.shop_id = weeks.shop_id
    and answers.date_week = weeks.date_week
    and answers.recommender = weeks.recommender
    and answers.kind = weeks.kind
left join
    results
    on results.shop_id = weeks.shop_id
    and results.date_week = weeks.date_week
    and results.recommender = weeks.recommender
    and results.kind = weeks.kind
