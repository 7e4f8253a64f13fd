with reported as (select *, unnest(metrics) as metric from landed)
select
    _line,
    metric.id as metric_id,
    metric.name as metric,
    metric.value as value,
    metric.rating as rating,
    coalesce(nullif(getvariable('primary_url'), ''), 'https://' || getvariable('shop_id')) || page_path as url,
    device as form_factor,
    metric.navigation_type as navigation_type,
    session_key,
    is_landing,
    landing_path,
    timezone('UTC', received_at) as received_at,
    timezone(getvariable('timezone'), received_at)::date as local_date,
    'rum' as source
from reported
