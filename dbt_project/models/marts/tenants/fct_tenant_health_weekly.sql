-- The 30 days up to the last day of each week (or to yesterday, in the week that is not over).
with
    weeks as (
        select shop_id, tenant_id, {{ week_of("date_day") }} as date_week, max(date_day) as last_day
        from {{ ref("fct_tenant_activity_daily") }}
        group by 1, 2, 3
    ),

    windows as (select *, {{ add_days("last_day", -29) }} as first_day from weeks),

    counted as (
        select
            windows.shop_id,
            windows.tenant_id,
            windows.date_week,
            {{ isum("case when events.event_type = 'login' then 1 else 0 end") }} as logins,
            cast(
                count(distinct case when events.event_type = 'feature_used' then events.feature end) as bigint
            ) as features_used,
            {{ isum("case when events.event_type = 'action_approved' then 1 else 0 end") }} as actions_approved,
            cast(count(distinct events.date_day) as bigint) as active_days,
            max(events.date_day) as last_active_on
        from windows
        join
            {{ ref("stg_growth__tenant_events") }} as events
            on events.shop_id = windows.shop_id
            and events.tenant_id = windows.tenant_id
            and events.date_day between windows.first_day and windows.last_day
        group by 1, 2, 3
    ),

    filled as (
        select
            windows.shop_id,
            windows.tenant_id,
            windows.date_week,
            windows.last_day,
            coalesce(counted.logins, 0) as logins,
            coalesce(counted.features_used, 0) as features_used,
            coalesce(counted.actions_approved, 0) as actions_approved,
            coalesce(counted.active_days, 0) as active_days,
            counted.last_active_on,
            -- 1 on the day of activity, 0 after 30 days without any
            coalesce(30 - {{ day_diff("windows.last_day", "counted.last_active_on") }}, 0) as recency_thirtieths
        from windows
        left join
            counted
            on counted.shop_id = windows.shop_id
            and counted.tenant_id = windows.tenant_id
            and counted.date_week = windows.date_week
    )

select
    filled.shop_id,
    filled.tenant_id,
    filled.date_week,
    {{ add_days("filled.date_week", 7) }} <= build.as_of as is_complete,
    filled.last_day as window_end,
    filled.logins,
    filled.features_used,
    filled.actions_approved,
    filled.active_days,
    filled.last_active_on,
    -- hundredths of a thirtieth, whole, so that a score of 0.8 is 0.8 on every engine:
    -- .4 of 30 logins, .4 of 15 features and .2 of recency are 40, 80 and 20 of 3000
    {{
        ratio(
            "40 * least(filled.logins, 30) + 80 * least(filled.features_used, 15) + 20 * filled.recency_thirtieths",
            "3000",
        )
    }}
    as activity_score,
    40 * least(filled.logins, 30) + 80 * least(filled.features_used, 15) + 20 * filled.recency_thirtieths
    >= 2400 as is_candidate
from filled
cross join {{ ref("stg_growth__build") }} as build
