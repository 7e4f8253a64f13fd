-- What the shop had on each whole day; money in minor units.
select date_day as date, orders, net_cents as revenue, sessions, search_clicks as clicks
from marts.fct_shop_daily
where shop_id = ? and is_complete and date_day between cast(? as date) and cast(? as date)
order by 1
