with
    activity as (
        select
            shop_id,
            tenant_id,
            min(date_day) as first_active_on,
            max(date_day) as last_active_on,
            cast(count(*) as bigint) as events,
            {{ isum("case when event_type = 'milestone' then 1 else 0 end") }} as milestones
        from {{ ref("stg_growth__tenant_events") }}
        group by 1, 2
    )

select
    tenants.shop_id,
    tenants.tenant_id,
    tenants.status,
    tenants.created_at,
    tenants.created_on,
    tenants.consented_at,
    tenants.consented_at is not null as has_consented,
    tenants.invited_at,
    activity.first_active_on,
    activity.last_active_on,
    coalesce(activity.events, 0) as events,
    coalesce(activity.milestones, 0) as milestones
from {{ ref("stg_growth__tenants") }} as tenants
left join activity on activity.shop_id = tenants.shop_id and activity.tenant_id = tenants.tenant_id
