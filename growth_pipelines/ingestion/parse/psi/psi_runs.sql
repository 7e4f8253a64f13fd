select
    _line,
    run.url as url,
    run.strategy as strategy,
    timezone('UTC', run.fetched_at) as fetched_at,
    run.performance_score as performance_score,
    run.lcp_ms as lcp_ms,
    run.cls as cls,
    run.tbt_ms as tbt_ms,
    run.ttfb_ms as ttfb_ms,
    run.fcp_ms as fcp_ms,
    run.details::varchar as details
from landed
