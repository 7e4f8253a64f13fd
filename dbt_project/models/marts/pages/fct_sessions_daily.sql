-- A page with one spelling of its address, as nearly all have, is at the grain already; only the rest is added
-- up. The
-- join is written out for each, because an engine would store a CTE that is read twice.
{% set named %}
    select
        sessions.shop_id,
        urls.page_key,
        sessions.device,
        sessions.date_day,
        sessions.sessions,
        sessions.cart_additions as cart_sessions,
        sessions.reached_checkout as checkout_sessions,
        sessions.completed_checkout as purchase_sessions,
        sessions.source
    from {{ ref("int_sessions_daily") }} as sessions
    join
        {{ ref("int_page_urls") }} as urls
        on urls.shop_id = sessions.shop_id
        and urls.raw_url = sessions.landing_path
{% endset %}
select shop_id, page_key, device, date_day, sessions, cart_sessions, checkout_sessions, purchase_sessions, source
from ({{ named }} where urls.landing_urls = 1) as at_the_grain
union all
select
    shop_id,
    page_key,
    device,
    date_day,
    {{ isum("sessions") }},
    cast(sum(cart_sessions) as bigint),
    cast(sum(checkout_sessions) as bigint),
    cast(sum(purchase_sessions) as bigint),
    max(source)
from ({{ named }} where urls.landing_urls > 1) as spellings
group by shop_id, page_key, device, date_day
