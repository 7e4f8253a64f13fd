-- Addresses that differ in their query or fragment only are one landing page.
select
    min(_line) as _line,
    "day" as date,
    coalesce(nullif(split_part(split_part(landing_page_path, '?', 1), '#', 1), ''), '/') as landing_path,
    coalesce(lower(session_device_type), 'unknown') as device,
    sum(sessions)::bigint as sessions,
    sum(sessions_with_cart_additions)::bigint as cart_additions,
    sum(sessions_that_reached_checkout)::bigint as reached_checkout,
    sum(sessions_that_completed_checkout)::bigint as completed_checkout
from landed
group by 2, 3, 4
