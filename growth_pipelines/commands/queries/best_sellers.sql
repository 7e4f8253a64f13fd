-- What sold best over the last 28 days of the data, by net sales.
with
    counted as (
        select lines.title, orders.order_date, lines.quantity, lines.net_cents
        from marts.fct_order_lines as lines
        inner join
            marts.fct_orders as orders on lines.shop_id = orders.shop_id and lines.order_id = orders.order_id
        where orders.is_counted
    )

select title, sum(quantity) as units, sum(net_cents) as net_cents
from counted
where order_date > (select max(order_date) from counted) - interval '28 days'
group by title
order by net_cents desc
limit 10
