-- What the pages of a split test got on each day; money in minor units.
select
    page_key as page,
    date_day as date,
    search_clicks as clicks,
    search_impressions as impressions,
    sessions,
    orders,
    net_cents as revenue
from marts.fct_page_daily
where shop_id = ? and date_day between cast(? as date) and cast(? as date) and page_key = any(cast(? as varchar[]))
order by 1, 2
