select shop_id, name, domain, primary_url, currency, timezone, primary_locale
from marts.dim_shops
order by shop_id
limit 1
