select date_day, orders, net_cents, sessions, search_clicks
from marts.fct_shop_daily
order by date_day desc
limit 56
