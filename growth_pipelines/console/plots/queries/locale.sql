-- The language that the shop sells in.
select primary_locale from marts.dim_shops
