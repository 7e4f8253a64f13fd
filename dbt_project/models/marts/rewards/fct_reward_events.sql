-- A key is one event, however often it was sent: the first of them counts.
with
    events as (select * from {{ ref("stg_growth__reward_events") }}),

    ranked as (
        select *, row_number() over (partition by shop_id, event_key order by occurred_at, event_id) as delivery
        from events
    )

select
    ranked.shop_id,
    ranked.event_key,
    ranked.event_id,
    ranked.member_id,
    ranked.reward_id,
    rewards.reward_type,
    rewards.trigger_event,
    ranked.event_type,
    ranked.points,
    ranked.source_event,
    ranked.occurred_at,
    ranked.date_day
from ranked
left join
    {{ ref("stg_growth__rewards") }} as rewards
    on rewards.shop_id = ranked.shop_id
    and rewards.reward_id = ranked.reward_id
where ranked.delivery = 1
