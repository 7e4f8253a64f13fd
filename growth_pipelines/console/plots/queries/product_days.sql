-- Units of a product by day, over the 16 weeks to a day.
select days.date_day, days.units
from marts.fct_product_daily as days
where days.product_id = ? and days.date_day <= cast(? as date) and days.date_day > cast(? as date) - 112
order by days.date_day
