-- What changed from one month's end to the next among the customers who ordered within the activity window
-- before it.
-- An order counts from its own month on, and no longer from the month in which its window ends: two events, whose
-- running sums are the customer's orders and net sales within the window.
{% set window_days = var("activity_window_days") %}
{% if window_days < 31 %}
    {{
        exceptions.raise_compiler_error(
            "activity_window_days is "
            ~ window_days
            ~ ": at least 31, or a month's first orders would be over at its end"
        )
    }}
{% endif %}
with
    events as (
        select
            shop_id,
            customer_key,
            {{ month_of("date_day") }} as date_month,
            {{ month_of("first_order_date") }} as cohort_month,
            1 as orders,
            net_cents
        from {{ ref("int_orders") }}
        where customer_key is not null
        union all
        select
            shop_id,
            customer_key,
            {{ month_of(add_days("date_day", window_days)) }},
            {{ month_of("first_order_date") }},
            -1,
            - net_cents
        from {{ ref("int_orders") }}
        where customer_key is not null
    ),

    changes as (
        select
            shop_id,
            customer_key,
            date_month,
            cohort_month,
            {{ isum("orders") }} as orders,
            {{ isum("net_cents") }} as net_cents
        from events
        group by 1, 2, 3, 4
    ),

    running as (
        select
            shop_id,
            date_month,
            date_month = cohort_month as is_first,
            orders,
            net_cents,
            cast(
                sum(orders) over (partition by customer_key, shop_id order by date_month) as bigint
            ) as orders_after,
            cast(
                sum(net_cents) over (partition by customer_key, shop_id order by date_month) as bigint
            ) as net_after_cents
        from changes
    ),

    states as (
        select
            shop_id,
            date_month,
            net_cents,
            net_after_cents,
            case
                when orders_after = orders and is_first
                then 'new'
                when orders_after = orders
                then 'resurrected'
                when orders_after = 0
                then 'churned'
                else 'retained'
            end as state
        from running
    )

select
    shop_id,
    date_month as period_start,
    {% for state in ["new", "resurrected", "churned"] %}
        cast(count(case when state = '{{ state }}' then 1 end) as bigint) as {{ state }}_customers,
    {% endfor %}
    {{ isum("case when state = 'new' then net_cents end") }} as new_cents,
    {{ isum("case when state = 'resurrected' then net_cents end") }} as resurrected_cents,
    {{ isum("case when state = 'retained' and net_cents > 0 then net_cents end") }} as expansion_cents,
    {{ isum("case when state = 'retained' and net_cents < 0 then - net_cents end") }} as contraction_cents,
    {{ isum("case when state = 'churned' then - net_cents end") }} as churned_cents
from states
group by 1, 2
