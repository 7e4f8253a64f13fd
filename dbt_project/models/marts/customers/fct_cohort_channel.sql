-- A complete triangle a channel: every cohort that the channel brought, in every month from its own to the newest.
with
    firsts as (
        select
            shop_id,
            customer_key,
            coalesce(source_name, 'unknown') as first_source_name,
            case
                when landing_page_key is null
                then 'unknown'
                when landing_page_key = '/'
                then 'home'
                when landing_page_key like '/products/%'
                then 'product'
                when landing_page_key like '/collections/%'
                then 'collection'
                when landing_page_key like '/blogs/%/%'
                then 'article'
                when landing_page_key like '/pages/%'
                then 'page'
                else 'other'
            end as first_page_type
        from {{ ref("int_orders") }}
        where customer_order_number = 1
    ),

    activity as (
        select
            firsts.shop_id,
            firsts.first_source_name,
            firsts.first_page_type,
            activity.cohort_month,
            activity.date_month,
            cast(count(*) as bigint) as active_customers,
            {{ isum("activity.orders") }} as orders,
            {{ isum("activity.net_cents") }} as net_cents,
            {{ isum("activity.refund_cents") }} as refund_cents
        from {{ ref("int_customer_months") }} as activity
        join firsts on firsts.customer_key = activity.customer_key and firsts.shop_id = activity.shop_id
        group by 1, 2, 3, 4, 5
    ),

    sizes as (
        select shop_id, cohort_month, first_source_name, first_page_type, active_customers as cohort_size
        from activity
        where date_month = cohort_month
    ),

    triangle as (
        select
            sizes.shop_id,
            sizes.cohort_month,
            sizes.first_source_name,
            sizes.first_page_type,
            whole.period_index,
            whole.date_month,
            whole.is_complete,
            whole.is_mature,
            sizes.cohort_size,
            coalesce(activity.active_customers, 0) as active_customers,
            coalesce(activity.orders, 0) as orders,
            coalesce(activity.net_cents, 0) as net_cents,
            coalesce(activity.refund_cents, 0) as refund_cents,
            whole.currency
        from sizes
        join
            {{ ref("fct_cohort_retention") }} as whole
            on whole.shop_id = sizes.shop_id
            and whole.cohort_month = sizes.cohort_month
        left join
            activity
            on activity.shop_id = sizes.shop_id
            and activity.cohort_month = sizes.cohort_month
            and activity.first_source_name = sizes.first_source_name
            and activity.first_page_type = sizes.first_page_type
            and activity.date_month = whole.date_month
    ),

    cumulated as (
        select
            *,
            cast(
                sum(net_cents) over (
                    partition by shop_id, cohort_month, first_source_name, first_page_type
                    order by date_month
                    rows between unbounded preceding and current row
                ) as bigint
            ) as cumulative_net_cents
        from triangle
    )

select
    shop_id,
    cohort_month,
    first_source_name,
    first_page_type,
    period_index,
    date_month,
    is_complete,
    is_mature,
    cohort_size,
    active_customers,
    orders,
    net_cents,
    refund_cents,
    cumulative_net_cents,
    {{ ratio("active_customers", "cohort_size") }} as retention_rate,
    {{ ratio("cumulative_net_cents", "cohort_size") }} as ltv_cents,
    currency
from cumulated
