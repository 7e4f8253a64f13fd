with
    source as (select * from {{ source("raw", "growth_action_returns") }}),

    renamed as (
        select
            shop_id,
            month as month_start,
            recommender,
            actions,
            measured,
            waiting,
            not_measurable,
            overlapping,
            promised,
            promised_in_all,
            realised,
            realised_low,
            realised_high,
            counted_at
        from source
    )

select *
from renamed
