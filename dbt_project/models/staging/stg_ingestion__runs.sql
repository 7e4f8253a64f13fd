with
    source as (select * from {{ source("raw", "_ingest_run") }}),

    renamed as (
        select run_id, shop_id, stream, status, window_start, window_end, started_at, finished_at from source
    )

select *
from renamed
