select shop_id, timezone, currency, primary_url from raw.shops
