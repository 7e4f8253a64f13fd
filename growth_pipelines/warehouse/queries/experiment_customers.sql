-- Customers who have bought before a day: who may take part in an experiment from then on.
select customer_key from marts.dim_customers where shop_id = ? and first_order_date < cast(? as date) order by 1
