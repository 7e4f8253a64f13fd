with
    source as (select * from {{ source("raw", "growth_executions") }}),

    renamed as (select shop_id, action_id, version, status, attempts, started_at, finished_at from source)

select *
from renamed
