-- What the shop is called, and the language that it sells in.
select name, primary_locale from marts.dim_shops order by shop_id limit 1
