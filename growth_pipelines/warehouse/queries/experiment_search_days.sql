-- The newest day of which all search figures are there.
select max(window_end) as last_day from marts.dim_shops where shop_id = ?
