with
    source as (select * from {{ source("raw", "growth_tenant_events") }}),

    renamed as (
        select
            shop_id,
            event_id,
            tenant_id,
            event_type,
            nullif(feature, '') as feature,
            occurred_at,
            local_date as date_day
        from source
    )

select *
from renamed
