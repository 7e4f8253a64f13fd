-- What products sold on the days that outcomes are told from; money in minor units.
select product_id as unit, date_day as date, orders, units, net_cents
from marts.fct_product_daily
where
    date_day <= (select max(window_end) from marts.dim_shops)
    and date_day >= cast(? as date) - 270
    and date_day < cast(? as date)
order by product_id, date_day
