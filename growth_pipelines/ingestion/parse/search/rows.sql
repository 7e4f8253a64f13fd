select
    _line,
    getvariable('site_url') as site_url,
    "keys"[1]::date as date,
    "keys"[2] as page,
    "keys"[3] as query,
    clicks::bigint as clicks,
    impressions::bigint as impressions,
    "position"
from landed
