-- Sessions by landing path, kind of device and day, and how far they came: Shopify's own where it gives any,
-- else those
-- that beacons tell, which know no steps. A view, because Shopify's are at this grain already and many millions.
{{ config(materialized="view") }}
select
    shop_id,
    date_day,
    landing_path,
    case when device = 'phone' then 'mobile' else coalesce(device, 'unknown') end as device,
    sessions,
    cart_additions,
    reached_checkout,
    completed_checkout,
    'shopify' as source
from {{ ref("stg_shopify__sessions_daily") }}
union all
select
    shop_id,
    date_day,
    landing_path,
    device,
    sessions,
    cast(null as bigint),
    cast(null as bigint),
    cast(null as bigint),
    'rum'
from {{ ref("int_rum_sessions_daily") }}
