with
    source as (select * from {{ source("raw", "growth_campaign_results") }}),

    renamed as (
        select
            shop_id,
            campaign_id,
            segment,
            arm,
            date as date_day,
            assigned,
            sent,
            delivered,
            bounced,
            complained,
            converted
        from source
    )

select *
from renamed
