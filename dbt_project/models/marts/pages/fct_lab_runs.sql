select
    runs.shop_id,
    urls.page_key,
    runs.strategy,
    runs.fetched_at,
    runs.performance_score,
    runs.lcp_ms,
    runs.cls,
    runs.tbt_ms,
    runs.ttfb_ms,
    runs.fcp_ms,
    runs.details,
    row_number() over (
        partition by runs.shop_id, urls.page_key, runs.strategy order by runs.fetched_at desc, runs.page_url
    )
    = 1 as is_latest
from {{ ref("stg_psi__runs") }} as runs
join {{ ref("int_page_urls") }} as urls on urls.shop_id = runs.shop_id and urls.raw_url = runs.page_url
