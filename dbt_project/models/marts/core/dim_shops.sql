select
    shops.shop_id,
    shops.name,
    shops.domain,
    shops.primary_url,
    shops.currency,
    shops.minor_units,
    shops.timezone,
    shops.primary_locale,
    windows.as_of,
    windows.window_start,
    windows.window_end,
    windows.conversion_rate,
    windows.conversion_basis,
    windows.aov_cents
from {{ ref("int_shops") }} as shops
join {{ ref("int_shop_windows") }} as windows on windows.shop_id = shops.shop_id
