-- What sold best over the last 28 days of the data, by net sales (test and cancelled orders are left out).
select title, sum(quantity) as units, sum(net_cents) as net_cents
from marts.fct_order_lines
where date_day > (select max(date_day) from marts.fct_order_lines) - interval '28 days'
group by title
order by net_cents desc
limit 10
