select
    _line,
    getvariable('site_url') as site_url,
    "keys"[1]::date as date,
    lower("keys"[2]) as country,
    lower("keys"[3]) as device,
    clicks::bigint as clicks,
    impressions::bigint as impressions,
    "position"
from landed
