with
    source as (select * from {{ source("raw", "psi_runs") }}),

    renamed as (
        select
            shop_id,
            url as page_url,
            lower(strategy) as strategy,
            fetched_at,
            performance_score,
            lcp_ms,
            cls,
            tbt_ms,
            ttfb_ms,
            fcp_ms,
            details
        from source
    )

select *
from renamed
