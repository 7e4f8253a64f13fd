select shop_id, name, domain, primary_url, timezone from raw.shops order by shop_id
