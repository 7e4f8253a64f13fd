-- Thin periods have p75 null and densities "NaN".
with
    known as (
        select
            landed._line,
            landed.scope,
            landed.target,
            landed.form_factor,
            metrics.metric,
            json_extract(answer, '$.record.metrics.' || metrics.name) as measured,
            from_json(json_extract(answer, '$.record.collectionPeriods'), '[{
                    "firstDate": {"year": "INTEGER", "month": "INTEGER", "day": "INTEGER"},
                    "lastDate": {"year": "INTEGER", "month": "INTEGER", "day": "INTEGER"}
                }]') as periods
        from landed
        cross join metrics
        where landed.found
    ),
    series as (
        select
            *,
            from_json(json_extract(measured, '$.percentilesTimeseries.p75s'), '["VARCHAR"]') as p75s,
            from_json(json_extract(measured, '$.histogramTimeseries'), '[{"densities": ["VARCHAR"]}]') as bins
        from known
        where measured is not null
    ),
    weeks as (select *, unnest(generate_series(1, len(periods))) as week from series)
select
    _line,
    scope,
    target,
    form_factor,
    metric,
    make_date(
        periods[week].firstdate.year, periods[week].firstdate.month, periods[week].firstdate.day
    ) as period_start,
    make_date(periods[week].lastdate.year, periods[week].lastdate.month, periods[week].lastdate.day) as period_end,
    nullif(p75s[week], 'NaN')::double as p75,
    nullif(bins[1].densities[week], 'NaN')::double as good,
    nullif(bins[2].densities[week], 'NaN')::double as needs_improvement,
    nullif(bins[3].densities[week], 'NaN')::double as poor
from weeks
