-- The shop's funnel: each step holds at least those of the step after it. Some come to the checkout past the
-- cart, and
-- Shopify counts both apart: they have taken the step of the cart too.
with
    days as (
        select
            shop_id,
            device,
            date_day,
            {{ isum("sessions") }} as sessions,
            {{ isum("greatest(coalesce(cart_sessions, 0), coalesce(checkout_sessions, 0))") }} as cart_sessions,
            {{ isum("checkout_sessions") }} as checkout_sessions,
            {{ isum("purchase_sessions") }} as purchase_sessions
        from {{ ref("fct_sessions_daily") }}
        where source = 'shopify'
        group by 1, 2, 3
    )

select
    shop_id,
    device,
    date_day,
    sessions,
    cart_sessions,
    checkout_sessions,
    purchase_sessions,
    {{ ratio("cart_sessions", "sessions") }} as cart_rate,
    {{ ratio("checkout_sessions", "cart_sessions") }} as checkout_rate,
    {{ ratio("purchase_sessions", "checkout_sessions") }} as purchase_rate,
    {{ ratio("purchase_sessions", "sessions") }} as conversion_rate
from days
