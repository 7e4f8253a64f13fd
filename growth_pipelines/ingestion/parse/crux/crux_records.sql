-- CLS values come as texts ("0.05"), the others as numbers.
with
    known as (
        select
            landed.*,
            metrics.metric,
            json_extract(answer, '$.record.metrics.' || metrics.name) as measured,
            json_extract(answer, '$.record.collectionPeriod') as period
        from landed
        cross join metrics
        where landed.found
    )
select
    _line,
    scope,
    target,
    form_factor,
    metric,
    true as found,
    make_date(
        (period ->> '$.firstDate.year')::int,
        (period ->> '$.firstDate.month')::int,
        (period ->> '$.firstDate.day')::int
    ) as period_start,
    make_date(
        (period ->> '$.lastDate.year')::int,
        (period ->> '$.lastDate.month')::int,
        (period ->> '$.lastDate.day')::int
    ) as period_end,
    (measured ->> '$.percentiles.p75')::double as p75,
    nullif(measured ->> '$.histogram[0].density', 'NaN')::double as good,
    nullif(measured ->> '$.histogram[1].density', 'NaN')::double as needs_improvement,
    nullif(measured ->> '$.histogram[2].density', 'NaN')::double as poor,
    timezone('UTC', fetched_at) as fetched_at
from known
where measured is not null
union all
select
    _line,
    scope,
    target,
    form_factor,
    null as metric,
    false as found,
    null as period_start,
    null as period_end,
    null as p75,
    null as good,
    null as needs_improvement,
    null as poor,
    timezone('UTC', fetched_at) as fetched_at
from landed
where not found
