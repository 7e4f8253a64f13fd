-- What no day tells and yet decides every day: brand words, currencies, and which shops have sessions of
-- Shopify's.
select 'brand' as kind, shop_id, term
from raw._brand_terms
union all
select 'build', '', currency
from raw._build
union all
select 'currency', shop_id, currency
from raw.shops
union all
select 'orders', shop_id, max(upper(currency))
from raw.orders
group by shop_id
union all
select 'sessions', shop_id, ''
from raw.sessions_daily
group by shop_id
