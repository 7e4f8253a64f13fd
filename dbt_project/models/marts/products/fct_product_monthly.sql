{% set additive = [
    "orders",
    "units",
    "gross_cents",
    "discount_cents",
    "net_cents",
    "refund_units_order_basis",
    "refund_cents_order_basis",
    "refund_units_refund_basis",
    "refund_cents_refund_basis",
] %}
with
    search as (
        select
            pages.shop_id,
            pages.resource_gid as product_id,
            {{ month_of("days.date_day") }} as date_month,
            {{ isum("days.search_clicks") }} as search_clicks,
            {{ isum("days.search_impressions") }} as search_impressions
        from {{ ref("int_pages") }} as pages
        join {{ ref("int_page_days") }} as days on days.shop_id = pages.shop_id and days.page_key = pages.page_key
        where pages.page_type = 'product' and days.search_impressions > 0
        group by 1, 2, 3
    ),

    stock_days as (
        select shop_id, product_id, date_day, sum(on_hand) as on_hand
        from {{ ref("fct_inventory_daily") }}
        where on_hand is not null and is_tracked is not false
        group by 1, 2, 3
    ),

    stock as (
        select
            shop_id,
            product_id,
            {{ month_of("date_day") }} as date_month,
            cast(count(*) as bigint) as stock_days,
            {{ isum("on_hand") }} as stock_unit_days
        from stock_days
        group by 1, 2, 3
    ),

    measured as (
        select
            shop_id,
            product_id,
            {{ month_of("date_day") }} as date_month,
            {% for measure in additive %} {{ measure }}, {% endfor %} 0 as search_clicks,
            0 as search_impressions
        from {{ ref("fct_product_daily") }}
        union all
        select
            shop_id,
            product_id,
            date_month,
            {% for _ in additive %} 0, {% endfor %} search_clicks,
            search_impressions
        from search
    ),

    months as (
        select
            shop_id,
            product_id,
            date_month,
            {% for measure in additive %} {{ isum(measure) }} as {{ measure }}, {% endfor %}
            {{ isum("search_clicks") }} as search_clicks,
            {{ isum("search_impressions") }} as search_impressions
        from measured
        group by 1, 2, 3
    ),

    days as (
        select
            shop_id,
            date_month,
            cast(count(case when is_complete then 1 end) as bigint) as days,
            count(case when not is_complete then 1 end) = 0
            and max(date_day) = {{ add_days(add_months("date_month", 1), -1) }} as is_complete
        from {{ ref("int_calendar") }}
        group by 1, 2
    ),

    totals as (
        select
            sums.shop_id,
            sums.date_month,
            sums.month_cents,
            sums.date_month = min(sums.date_month) over (partition by sums.shop_id) as is_first,
            coalesce(days.days, 0) as days,
            coalesce(days.is_complete, false) as is_complete,
            shops.currency
        from
            (
                select shop_id, date_month, sum(net_cents) as month_cents from months group by shop_id, date_month
            ) as sums
        join {{ ref("int_shops") }} as shops on shops.shop_id = sums.shop_id
        left join days on days.shop_id = sums.shop_id and days.date_month = sums.date_month
    ),

    ranked as (
        select
            *,
            rank() over (partition by shop_id, date_month order by net_cents desc) as revenue_rank,
            sum(net_cents) over (
                partition by shop_id, date_month
                order by net_cents desc, product_id
                rows between unbounded preceding and current row
            ) as running_cents,
            lag(net_cents) over (partition by shop_id, product_id order by date_month) as last_cents,
            lag(date_month) over (partition by shop_id, product_id order by date_month) as last_month
        from months
    ),

    compared as (
        select
            ranked.*,
            totals.month_cents,
            totals.days,
            totals.is_complete,
            totals.currency,
            case
                when totals.is_first
                then null
                when {{ month_diff("ranked.date_month", "ranked.last_month") }} = 1
                then ranked.last_cents
                else 0
            end as prior_net_cents,
            coalesce(stock.stock_days, 0) as stock_days,
            stock.stock_unit_days
        from ranked
        join totals on totals.shop_id = ranked.shop_id and totals.date_month = ranked.date_month
        left join
            stock
            on stock.shop_id = ranked.shop_id
            and stock.product_id = ranked.product_id
            and stock.date_month = ranked.date_month
    )

select
    shop_id,
    product_id,
    date_month,
    is_complete,
    {% for measure in additive %} {{ measure }}, {% endfor %}
    cast(revenue_rank as bigint) as revenue_rank,
    {{ ratio("net_cents", "month_cents") }} as revenue_share,
    -- a product that begins within the first 80 % of the month's sales is A, within the first 95 % B
    case
        when net_cents <= 0
        then 'C'
        when (running_cents - net_cents) * 100 < month_cents * 80
        then 'A'
        when (running_cents - net_cents) * 100 < month_cents * 95
        then 'B'
        else 'C'
    end as abc_class,
    cast(prior_net_cents as bigint) as prior_net_cents,
    cast(net_cents - prior_net_cents as bigint) as net_cents_change,
    search_clicks,
    search_impressions,
    stock_days,
    {{ ratio("stock_unit_days", "stock_days") }} as avg_on_hand,
    case
        when stock_unit_days > 0
        then {{ ratio("cast(units as double precision) * 365 / nullif(days, 0)", "stock_unit_days") }} * stock_days
    end as turnover_rate,
    currency
from compared
