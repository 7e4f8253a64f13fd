select
    sessions.shop_id,
    urls.page_key,
    sessions.device,
    sessions.date_day,
    {{ isum("sessions.sessions") }} as sessions,
    cast(sum(sessions.cart_additions) as bigint) as cart_sessions,
    cast(sum(sessions.reached_checkout) as bigint) as checkout_sessions,
    cast(sum(sessions.completed_checkout) as bigint) as purchase_sessions,
    max(sessions.source) as source
from {{ ref("int_sessions_daily") }} as sessions
join
    {{ ref("int_page_urls") }} as urls
    on urls.shop_id = sessions.shop_id
    and urls.raw_url = sessions.landing_path
group by 1, 2, 3, 4
