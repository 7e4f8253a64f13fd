select
    * exclude (lines, country),
    created_at as processed_at,
    timezone(getvariable('timezone'), timezone('UTC', created_at))::date as local_date,
    null as landing_path
from landed
