-- Per executed action and horizon, the whole weeks before and after it and what else happened to the same page
-- meanwhile. The day of execution is half one and half the other, so it is in neither.
with
    executed as (
        select
            shop_id, action_id, coalesce(page_key, resource_gid) as subject, page_key, executed_on, rolled_back_on
        from {{ ref("int_actions") }}
        where executed_on is not null
    ),

    horizons as (
        select cast(7 as bigint) as horizon_days
        union all
        select cast(14 as bigint)
        union all
        select cast(28 as bigint)
    ),

    windows as (
        select
            executed.*,
            horizons.horizon_days,
            {{ add_days("executed.executed_on", "-horizons.horizon_days") }} as pre_start,
            {{ add_days("executed.executed_on", -1) }} as pre_end,
            {{ add_days("executed.executed_on", 1) }} as post_start,
            {{ add_days("executed.executed_on", "horizons.horizon_days") }} as post_end
        from executed
        cross join horizons
    ),

    -- an action that was rolled back in the window changed the page then too
    shared as (
        select windows.shop_id, windows.action_id, windows.horizon_days, count(*) as overlapping_actions
        from windows
        join
            executed as others
            on others.shop_id = windows.shop_id
            and others.subject = windows.subject
            and others.action_id <> windows.action_id
            and (
                others.executed_on between windows.pre_start and windows.post_end
                or others.rolled_back_on between windows.pre_start and windows.post_end
            )
        group by 1, 2, 3
    )

select
    windows.shop_id,
    windows.action_id,
    windows.horizon_days,
    windows.page_key,
    windows.executed_on,
    windows.pre_start,
    windows.pre_end,
    windows.post_start,
    windows.post_end,
    windows.post_end < build.as_of as is_over,
    coalesce(windows.rolled_back_on <= windows.post_end, false) as is_rolled_back,
    cast(coalesce(shared.overlapping_actions, 0) as bigint) as overlapping_actions
from windows
cross join {{ ref("stg_growth__build") }} as build
left join
    shared
    on shared.shop_id = windows.shop_id
    and shared.action_id = windows.action_id
    and shared.horizon_days = windows.horizon_days
