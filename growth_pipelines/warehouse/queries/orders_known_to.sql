-- The last day of which all orders are loaded: that before the day which reading has come to, or a later one
-- with an order.
select orders.shop_id, max(orders.date_day) as last_order, max(cast(coverage.covered_to as date)) as covered_to
from (select shop_id, max(date_day) as date_day from marts.fct_orders group by shop_id) as orders
left join
    marts.dim_data_coverage as coverage
    on coverage.shop_id = orders.shop_id
    and coverage.stream in ('orders', 'order_export')
group by orders.shop_id
order by orders.shop_id
