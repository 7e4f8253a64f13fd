select
    shop_id,
    member_id,
    cast(count(*) as bigint) as events,
    {{ isum("case when event_type = 'granted' then points end") }} as points_granted,
    {{ isum("case when event_type = 'redeemed' then points end") }} as points_redeemed,
    {{ isum("case when event_type = 'expired' then points end") }} as points_expired,
    {{ isum("case when event_type = 'reversed' then points end") }} as points_reversed,
    {{ isum("points") }} as balance,
    min(date_day) as first_event_on,
    max(date_day) as last_event_on
from {{ ref("fct_reward_events") }}
group by shop_id, member_id
