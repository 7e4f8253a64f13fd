with
    source as (select * from {{ source("raw", "growth_feedback") }}),

    renamed as (
        select
            shop_id,
            feedback_id,
            action_id,
            version,
            occurred_at,
            local_date as date_day,
            feedback,
            reason_code,
            parts_changed,
            words_before,
            words_after,
            words_changed
        from source
    )

select *
from renamed
