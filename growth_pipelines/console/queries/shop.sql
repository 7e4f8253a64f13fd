select name, domain, primary_url, currency, timezone from marts.dim_shops order by shop_id limit 1
