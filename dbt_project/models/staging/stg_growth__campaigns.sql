with
    source as (select * from {{ source("raw", "growth_campaigns") }}),

    renamed as (
        select shop_id, campaign_id, action_id, channel, status, started_at, started_date as started_on, ended_at
        from source
    )

select *
from renamed
