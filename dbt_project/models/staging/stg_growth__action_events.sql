with
    source as (select * from {{ source("raw", "growth_action_events") }}),

    renamed as (
        select
            shop_id,
            event_id,
            seq,
            occurred_at,
            local_date as date_day,
            action_id,
            version,
            event,
            from_state,
            to_state,
            actor,
            channel,
            decision,
            reason_code
        from source
    )

select *
from renamed
