with
    source as (select * from {{ source("raw", "growth_tenants") }}),

    renamed as (
        select shop_id, tenant_id, status, created_at, created_date as created_on, consented_at, invited_at
        from source
    )

select *
from renamed
