-- The newest day of which all orders are there.
select max(as_of) - 1 as last_day from marts.dim_shops where shop_id = ?
