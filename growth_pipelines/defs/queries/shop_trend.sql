select
    days.date_day,
    days.orders,
    cast(days.net_cents as double precision) / shops.minor_units as net_sales,
    days.sessions,
    days.search_clicks
from marts.fct_shop_daily as days
inner join marts.dim_shops as shops on shops.shop_id = days.shop_id
order by days.date_day desc
limit 56
