with visits as (select _line, unnest("rows") as row from landed)
select
    min(_line) as _line,
    row.day as date,
    coalesce(nullif(split_part(split_part(row.landing_page_path, '?', 1), '#', 1), ''), '/') as landing_path,
    sum(row.sessions)::bigint as sessions
from visits
group by row.day, 3
