-- Orders and units of each product in the newest twelve weeks.
select product_id, cast(sum(orders) as bigint) as orders, cast(sum(units) as bigint) as units
from marts.fct_product_daily
where date_day >= cast(? as date) - 84 and date_day < cast(? as date)
group by product_id
order by product_id
