select
    shop_id, page_key, date_day, search_clicks, search_impressions, position_x100_impr, sessions, orders, net_cents
from {{ ref("int_page_days") }}
