with
    source as (select * from {{ source("raw", "_ingest_cursor") }}),

    renamed as (
        select
            shop_id,
            stream,
            window_start as covered_from,
            position as covered_to,
            history_from,
            history_reason,
            updated_at
        from source
    )

select *
from renamed
