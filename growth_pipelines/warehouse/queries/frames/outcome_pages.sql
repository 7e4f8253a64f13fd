-- What pages got on the days that outcomes are told from; money in minor units.
select page_key as unit, date_day as date, search_clicks as clicks, sessions, orders, net_cents
from marts.fct_page_daily
where
    date_day <= (select max(window_end) from marts.dim_shops)
    and date_day >= cast(? as date) - 270
    and date_day < cast(? as date)
order by page_key, date_day
