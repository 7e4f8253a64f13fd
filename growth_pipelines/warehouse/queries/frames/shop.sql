select shops.*, shops.conversion_rate as shop_cvr, shops.aov_cents / shops.minor_units as shop_aov
from marts.dim_shops as shops
order by shops.shop_id
