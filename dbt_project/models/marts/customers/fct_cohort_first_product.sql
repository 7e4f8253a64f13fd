{% set horizons = [30, 90, 180, 365] %}
with
    -- an order may hold a product in several lines: its customer counts once
    firsts as (
        select
            shop_id,
            customer_key,
            coalesce(product_id, sku, title, 'unknown') as product_key,
            max(product_id) as product_id,
            max(title) as title
        from {{ ref("int_order_lines") }}
        where customer_order_number = 1
        group by 1, 2, 3
    ),

    products as (
        select
            firsts.shop_id,
            firsts.product_key,
            max(firsts.product_id) as product_id,
            max(firsts.title) as title,
            cast(count(*) as bigint) as customers_ever,
            max(customers.currency) as currency
            {% for days in horizons %}
                ,
                {{ isum("case when is_mature_" ~ days ~ "d then 1 end") }} as customers_{{ days }},
                {{ isum("case when is_mature_" ~ days ~ "d and days_to_second_order < " ~ days ~ " then 1 end") }}
                as repeat_customers_{{ days }},
                {{ isum("case when is_mature_" ~ days ~ "d then net_cents_" ~ days ~ "d end") }} as net_{{ days }}
            {% endfor %}
        from firsts
        join
            {{ ref("dim_customers") }} as customers
            on customers.customer_key = firsts.customer_key
            and customers.shop_id = firsts.shop_id
        group by 1, 2
    ),

    periods as (
        {% for days in horizons %}
            {{ "union all" if not loop.first }}
            select
                shop_id,
                product_key,
                cast({{ days }} as bigint) as period_days,
                product_id,
                title,
                customers_ever,
                customers_{{ days }} as customers,
                repeat_customers_{{ days }} as repeat_customers,
                net_{{ days }} as net_cents,
                currency
            from products
        {% endfor %}
    )

select
    shop_id,
    product_key,
    period_days,
    product_id,
    title,
    customers_ever,
    customers,
    repeat_customers,
    net_cents,
    {{ ratio("repeat_customers", "customers") }} as repeat_rate,
    {{ ratio("net_cents", "customers") }} as ltv_cents,
    currency
from periods
