-- What changed from a calendar week or month to the next: who came, came back and left, and what they spent.
-- Found by
-- joining each customer's period to the one before it: half the work of a window over all customers.
with
    months as (
        select
            shop_id,
            customer_key,
            date_month as period_start,
            {{ add_months("date_month", 1) }} as next_start,
            cohort_month as first_start,
            net_cents
        from {{ ref("int_customer_months") }}
    ),

    customer_weeks as (
        select
            shop_id,
            customer_key,
            {{ week_of("date_day") }} as period_start,
            {{ week_of("min(first_order_date)") }} as first_start,
            {{ isum("net_cents") }} as net_cents
        from {{ ref("int_orders") }}
        where customer_key is not null
        group by 1, 2, 3
    ),

    weeks as (
        select
            shop_id,
            customer_key,
            period_start,
            {{ add_days("period_start", 7) }} as next_start,
            first_start,
            net_cents
        from customer_weeks
    ),

    active as (
        {% for grain in ["week", "month"] %}
            {{ "union all" if not loop.first }}
            select
                here.shop_id,
                '{{ grain }}' as grain,
                here.period_start,
                here.next_start,
                cast(count(*) as bigint) as customers,
                cast(count(case when here.period_start = here.first_start then 1 end) as bigint) as new_customers,
                cast(count(before.customer_key) as bigint) as retained_customers,
                {{ isum("here.net_cents") }} as net_cents,
                {{ isum("case when here.period_start = here.first_start then here.net_cents end") }} as new_cents,
                {{ isum("case when before.customer_key is not null then here.net_cents end") }} as retained_cents,
                {{ isum("before.net_cents") }} as retained_before_cents,
                {{
                    isum(
                        "case when here.net_cents > before.net_cents then here.net_cents - before.net_cents end"
                    )
                }} as expansion_cents
            from {{ grain }}s as here
            left join
                {{ grain }}s as before
                on before.customer_key = here.customer_key
                and before.shop_id = here.shop_id
                and before.next_start = here.period_start
            group by 1, 2, 3, 4
        {% endfor %}
    ),

    -- Who was active and is not among the next period's retained has left in that next period.
    changes as (
        select
            shop_id,
            grain,
            period_start,
            new_customers,
            customers - new_customers - retained_customers as resurrected_customers,
            - retained_customers as churned_customers,
            new_cents,
            net_cents - new_cents - retained_cents as resurrected_cents,
            expansion_cents,
            retained_before_cents + expansion_cents - retained_cents as contraction_cents,
            - retained_before_cents as churned_cents
        from active
        union all
        select shop_id, grain, next_start, 0, 0, customers, 0, 0, 0, 0, net_cents
        from active
    )

select
    shop_id,
    grain,
    period_start,
    {{ isum("new_customers") }} as new_customers,
    {{ isum("resurrected_customers") }} as resurrected_customers,
    {{ isum("churned_customers") }} as churned_customers,
    {{ isum("new_cents") }} as new_cents,
    {{ isum("resurrected_cents") }} as resurrected_cents,
    {{ isum("expansion_cents") }} as expansion_cents,
    {{ isum("contraction_cents") }} as contraction_cents,
    {{ isum("churned_cents") }} as churned_cents
from changes
group by 1, 2, 3
