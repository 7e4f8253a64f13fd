-- Every day of a tenant, from its creation (or its first event, if that was earlier) to yesterday.
{% set counted = {
    "logins": "login",
    "feature_uses": "feature_used",
    "runs": "run",
    "actions_approved": "action_approved",
    "alerts_read": "alert_read",
    "milestones": "milestone",
} %}
with
    events as (
        select
            shop_id,
            tenant_id,
            date_day,
            cast(count(*) as bigint) as events
            {%- for name, event_type in counted.items() %}
                , {{ isum("case when event_type = '" ~ event_type ~ "' then 1 else 0 end") }} as {{ name }}
            {%- endfor %},
            cast(count(distinct case when event_type = 'feature_used' then feature end) as bigint) as features_used
        from {{ ref("stg_growth__tenant_events") }}
        group by 1, 2, 3
    ),

    bounds as (
        select
            tenants.shop_id,
            tenants.tenant_id,
            least(tenants.created_on, coalesce(tenants.first_active_on, tenants.created_on)) as first_day,
            greatest(
                {{ add_days("build.as_of", -1) }},
                coalesce(tenants.last_active_on, {{ add_days("build.as_of", -1) }})
            ) as last_day,
            build.as_of
        from {{ ref("dim_tenants") }} as tenants
        cross join {{ ref("stg_growth__build") }} as build
    ),

    -- ten years
    days as (
        select
            bounds.shop_id,
            bounds.tenant_id,
            bounds.as_of,
            {{ add_days("bounds.first_day", "numbers.n") }} as date_day
        from bounds
        join
            {{ whole_numbers(3652) }} as numbers
            on {{ add_days("bounds.first_day", "numbers.n") }} <= bounds.last_day
    )

select
    days.shop_id,
    days.tenant_id,
    days.date_day,
    days.date_day < days.as_of as is_complete,
    coalesce(events.events, 0) as events
    {%- for name in counted %}, coalesce(events.{{ name }}, 0) as {{ name }} {%- endfor %},
    coalesce(events.features_used, 0) as features_used
from days
left join
    events
    on events.shop_id = days.shop_id
    and events.tenant_id = days.tenant_id
    and events.date_day = days.date_day
