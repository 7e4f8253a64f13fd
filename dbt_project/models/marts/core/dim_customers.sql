-- Quintiles come from counts a value and not from ranks of customers: equal values have equal scores, on every
-- engine.
{% set horizons = [30, 90, 180, 365] %}
with
    sums as (
        select
            shop_id,
            customer_key,
            min(first_order_date) as first_order_date,
            max(date_day) as last_order_date,
            min(case when customer_order_number = 2 then date_day end) as second_order_date,
            cast(count(*) as bigint) as orders,
            {{ isum("gross_cents") }} as gross_cents,
            {{ isum("discount_cents") }} as discount_cents,
            {{ isum("net_cents") }} as net_cents,
            {{ isum("refund_cents") }} as refund_cents
            {% for days in horizons %}
                ,
                {{ isum("case when date_day < " ~ add_days("first_order_date", days) ~ " then net_cents end") }}
                as net_cents_{{ days }}d
            {% endfor %}
        from {{ ref("int_orders") }}
        where customer_key is not null
        group by 1, 2
    ),

    buyers as (
        select
            sums.*,
            shops.as_of,
            {{ day_diff("sums.second_order_date", "sums.first_order_date") }} as days_to_second_order,
            greatest({{ day_diff("shops.as_of", "sums.last_order_date") }}, 0) as recency_days
        from sums
        join {{ ref("int_shops") }} as shops on shops.shop_id = sums.shop_id
    ),

    counts as (
        {% for measure in ["recency_days", "orders", "net_cents", "days_to_second_order"] %}
            {{ "union all" if not loop.first }}
            select
                shop_id, '{{ measure }}' as measure, {{ measure }} as amount, cast(count(*) as bigint) as customers
            from buyers
            where {{ measure }} is not null
            group by 1, 2, 3
        {% endfor %}
    ),

    ranked as (
        select
            shop_id,
            measure,
            amount,
            sum(customers) over (partition by shop_id, measure order by amount) as up_to,
            sum(customers) over (partition by shop_id, measure) as customers
        from counts
    ),

    -- the smallest value that a fifth, two fifths, … of the customers do not exceed
    thresholds as (
        select
            shop_id,
            {% for measure in ["recency_days", "orders", "net_cents"] %}
                {% for fifths in [1, 2, 3, 4] %}
                    min(
                        case
                            when measure = '{{ measure }}' and up_to * 5 >= customers * {{ fifths }} then amount
                        end
                    ) as {{ measure }}_{{ fifths }},
                {% endfor %}
            {% endfor %}
            min(case when measure = 'days_to_second_order' and up_to * 2 >= customers then amount end) as shop_gap
        from ranked
        group by 1
    ),

    scored as (
        select
            buyers.*,
            {% for measure in ["recency_days", "orders", "net_cents"] %}
                cast(
                    {% for fifths in [1, 2, 3, 4] %}
                        {{ "+ " if not loop.first -}}
                        case when buyers.{{ measure }} > thresholds.{{ measure }}_{{ fifths }} then 1 else 0 end
                    {% endfor %} as bigint
                ) as {{ measure }}_above,
            {% endfor %}
            -- two gaps of one's own tell more than all of the shop's
            greatest(
                case
                    when buyers.orders >= 3
                    then
                        {{
                            ratio(
                                day_diff("buyers.last_order_date", "buyers.first_order_date"),
                                "buyers.orders - 1",
                            )
                        }}
                    else cast(coalesce(thresholds.shop_gap, {{ var("activity_window_days") }}) as double precision)
                end,
                1
            ) as typical_gap_days
        from buyers
        join thresholds on thresholds.shop_id = buyers.shop_id
    ),

    rated as (
        select
            *,
            5 - recency_days_above as rfm_recency,
            1 + orders_above as rfm_frequency,
            1 + net_cents_above as rfm_monetary,
            2 + orders_above + net_cents_above as frequency_and_monetary,
            {{ ratio("recency_days", "recency_days + typical_gap_days") }} as churn_risk
        from scored
    )

select
    coalesce(rated.shop_id, customers.shop_id) as shop_id,
    coalesce(rated.customer_key, customers.customer_key) as customer_key,
    customers.country,
    {{ month_of("rated.first_order_date") }} as cohort_month,
    rated.first_order_date,
    rated.last_order_date,
    rated.days_to_second_order,
    coalesce(rated.orders, 0) as orders,
    coalesce(rated.gross_cents, 0) as gross_cents,
    coalesce(rated.discount_cents, 0) as discount_cents,
    coalesce(rated.net_cents, 0) as net_cents,
    coalesce(rated.refund_cents, 0) as refund_cents,
    {% for days in horizons %}
        coalesce(rated.net_cents_{{ days }}d, 0) as net_cents_{{ days }}d,
        {{ add_days("rated.first_order_date", days) }} <= rated.as_of as is_mature_{{ days }}d,
    {% endfor %}
    rated.recency_days,
    rated.rfm_recency,
    rated.rfm_frequency,
    rated.rfm_monetary,
    case
        when rated.orders is null
        then null
        when rfm_recency <= 2 and frequency_and_monetary >= 9
        then 'cannot_lose'
        when rfm_recency <= 2 and frequency_and_monetary >= 6
        then 'at_risk'
        when rfm_recency = 2
        then 'hibernating'
        when rfm_recency = 1
        then 'lost'
        when rfm_recency >= 4 and frequency_and_monetary >= 9
        then 'champion'
        when frequency_and_monetary >= 7
        then 'loyal'
        when rfm_recency = 3
        then 'needs_attention'
        when rated.orders = 1
        then 'new'
        else 'promising'
    end as rfm_segment,
    rated.typical_gap_days,
    rated.churn_risk,
    case
        when churn_risk <= 0.5 then 'low' when churn_risk <= 0.75 then 'medium' when churn_risk > 0.75 then 'high'
    end as churn_class,
    shops.currency
from rated
full outer join
    {{ ref("stg_shopify__customers") }} as customers
    on customers.shop_id = rated.shop_id
    and customers.customer_key = rated.customer_key
join {{ ref("int_shops") }} as shops on shops.shop_id = coalesce(rated.shop_id, customers.shop_id)
