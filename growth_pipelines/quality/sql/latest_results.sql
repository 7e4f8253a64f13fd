-- The newest result of each expectation; comparisons with the past since a moment only, as they are of a day.
select table_name, expectation, dimension, severity, passed, observed, why, checked_rows, unexpected_rows, examples
from
    (
        select
            *,
            row_number() over (
                partition by table_name, expectation order by judged_at desc, run_id desc
            ) as recency
        from raw._quality_results
    ) as ranked
where recency = 1 and (dimension not in ('volume', 'distribution') or judged_at >= ?)
order by table_name, expectation
