-- Days that Search Console calls incomplete are left for a later run.
with
    answers as (
        select
            _line,
            unnest(answer."rows") as row,
            coalesce(answer.metadata.firstincompletedate, answer.metadata.first_incomplete_date) as incomplete_from
        from landed
    )
select
    _line,
    getvariable('site_url') as site_url,
    row.keys[1]::date as date,
    row.keys[2] as page,
    row.keys[3] as query,
    row.clicks::bigint as clicks,
    row.impressions::bigint as impressions,
    row.position as position
from answers
where incomplete_from is null or row.keys[1]::date < incomplete_from
