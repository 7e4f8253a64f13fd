with
    source as (select * from {{ source("raw", "growth_reward_events") }}),

    renamed as (
        select
            shop_id,
            event_id,
            event_key,
            member_id,
            reward_id,
            event_type,
            points,
            source_event,
            occurred_at,
            local_date as date_day
        from source
    )

select *
from renamed
