-- Addresses that differ in their query or fragment only are one landing page.
select
    min(_line) as _line,
    "day" as date,
    coalesce(nullif(split_part(split_part(landing_page_path, '?', 1), '#', 1), ''), '/') as landing_path,
    sum(sessions)::bigint as sessions
from landed
group by 2, 3
