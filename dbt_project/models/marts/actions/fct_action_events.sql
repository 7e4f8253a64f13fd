with
    events as (select * from {{ ref("stg_growth__action_events") }}),

    -- refused decisions move nothing and name no state
    states as (
        select
            shop_id, event_id, lag(to_state) over (partition by shop_id, action_id order by seq) as previous_state
        from events
        where to_state is not null
    )

select
    events.shop_id,
    events.event_id,
    events.seq,
    events.occurred_at,
    events.date_day,
    events.action_id,
    events.version,
    events.event,
    events.from_state,
    events.to_state,
    coalesce(events.from_state <> events.to_state, events.event = 'created') as is_transition,
    case
        when events.event = 'created'
        then events.from_state is null and events.to_state = 'pending'
        when events.from_state is null or events.from_state = events.to_state
        then true
        else allowed.to_state is not null
    end as is_allowed,
    case
        when events.from_state is not null
        then coalesce(states.previous_state = events.from_state, false)
        else events.event <> 'created' or states.previous_state is null
    end as follows_state,
    events.actor,
    events.channel,
    events.decision,
    events.reason_code
from events
left join states on states.shop_id = events.shop_id and states.event_id = events.event_id
left join
    {{ ref("action_transitions") }} as allowed
    on allowed.from_state = events.from_state
    and allowed.to_state = events.to_state
