-- A complete triangle: every cohort in every month from its own to the newest of the calendar.
with
    months as (select shop_id, date_month, max(date_day) as last_day from {{ ref("int_calendar") }} group by 1, 2),

    activity as (
        select
            shop_id,
            cohort_month,
            date_month,
            cast(count(*) as bigint) as active_customers,
            {{ isum("orders") }} as orders,
            {{ isum("gross_cents") }} as gross_cents,
            {{ isum("discount_cents") }} as discount_cents,
            {{ isum("net_cents") }} as net_cents,
            {{ isum("refund_cents") }} as refund_cents
        from {{ ref("int_customer_months") }}
        group by 1, 2, 3
    ),

    -- whoever is of a cohort ordered in its month
    sizes as (
        select shop_id, cohort_month, active_customers as cohort_size, net_cents as first_net_cents
        from activity
        where date_month = cohort_month
    ),

    triangle as (
        select
            sizes.shop_id,
            sizes.cohort_month,
            months.date_month,
            {{ month_diff("months.date_month", "sizes.cohort_month") }} as period_index,
            sizes.cohort_size,
            sizes.first_net_cents,
            coalesce(activity.active_customers, 0) as active_customers,
            coalesce(activity.orders, 0) as orders,
            coalesce(activity.gross_cents, 0) as gross_cents,
            coalesce(activity.discount_cents, 0) as discount_cents,
            coalesce(activity.net_cents, 0) as net_cents,
            coalesce(activity.refund_cents, 0) as refund_cents,
            {{ add_months("months.date_month", 1) }} <= shops.as_of as is_complete,
            coverage.history_starts_on,
            shops.currency
        from sizes
        join {{ ref("int_shops") }} as shops on shops.shop_id = sizes.shop_id
        left join
            {{ ref("dim_data_coverage") }} as coverage
            on coverage.shop_id = sizes.shop_id
            and coverage.stream = 'orders'
            and coverage.history_note is not null
        join months on months.shop_id = sizes.shop_id and months.date_month >= sizes.cohort_month
        left join
            activity
            on activity.shop_id = sizes.shop_id
            and activity.cohort_month = sizes.cohort_month
            and activity.date_month = months.date_month
    ),

    cumulated as (
        select
            *,
            cast(
                sum(net_cents) over (
                    partition by shop_id, cohort_month
                    order by date_month
                    rows between unbounded preceding and current row
                ) as bigint
            ) as cumulative_net_cents,
            cast(
                sum(refund_cents) over (
                    partition by shop_id, cohort_month
                    order by date_month
                    rows between unbounded preceding and current row
                ) as bigint
            ) as cumulative_refund_cents
        from triangle
    )

select
    shop_id,
    cohort_month,
    period_index,
    date_month,
    is_complete,
    is_complete and (history_starts_on is null or history_starts_on < cohort_month) as is_mature,
    cohort_size,
    active_customers,
    orders,
    gross_cents,
    discount_cents,
    net_cents,
    refund_cents,
    cumulative_net_cents,
    cumulative_refund_cents,
    {{ ratio("active_customers", "cohort_size") }} as retention_rate,
    {{ ratio("net_cents", "first_net_cents") }} as net_retention_rate,
    {{ ratio("cumulative_net_cents", "cohort_size") }} as ltv_cents,
    history_starts_on,
    currency
from cumulated
