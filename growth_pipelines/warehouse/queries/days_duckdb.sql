-- Each day's rows as a count and a sum of hashes over the columns that the models count.
insert into raw._day
select
    'search_page_query_daily',
    date,
    count(*),
    count(*) || '/' || sum(hash(shop_id, page, query, clicks, impressions, position))
from raw.search_page_query_daily
group by date
union all
select
    'search_page_daily', date, count(*), count(*) || '/' || sum(hash(shop_id, page, clicks, impressions, position))
from raw.search_page_daily
group by date
union all
select 'sessions_daily', date, count(*), count(*) || '/' || sum(hash(shop_id, landing_path, sessions))
from raw.sessions_daily
group by date
union all
select
    'web_vitals_beacons',
    local_date,
    count(*),
    count(*) || '/' || sum(hash(shop_id, session_key, landing_path, received_at, metric_id, metric))
from raw.web_vitals_beacons
group by local_date
union all
select
    'orders',
    local_date,
    count(*),
    count(*)
    || '/'
    || sum(
        hash(
            shop_id, order_id, landing_path, gross_amount, discount_amount, coalesce(is_test, false), cancelled_at is null
        )
    )
from raw.orders
group by local_date
