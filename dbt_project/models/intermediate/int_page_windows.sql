-- Per page: both windows of search figures (all and non-brand), and sessions, orders and sales of the newer one.
-- Pages without any row in the windows are not here.
with
    nonbrand as (
        select
            rows_by_query.shop_id,
            urls.page_key,
            {{ window_sum("clicks") }} as nonbrand_clicks,
            {{ window_sum("impressions") }} as nonbrand_impressions,
            {{ window_sum("position_x100_impr") }} as nonbrand_position_x100_impr,
            {{ prior_sum("clicks") }} as prior_nonbrand_clicks,
            {{ prior_sum("impressions") }} as prior_nonbrand_impressions,
            {{ prior_sum("position_x100_impr") }} as prior_nonbrand_position_x100_impr
        from {{ ref("stg_search_console__page_query_daily") }} as rows_by_query
        join {{ ref("int_windows") }} as windows on windows.shop_id = rows_by_query.shop_id
        join
            {{ ref("int_page_urls") }} as urls
            on urls.shop_id = rows_by_query.shop_id
            and urls.raw_url = rows_by_query.page_url
        join
            {{ ref("int_search_queries") }} as queries
            on queries.shop_id = rows_by_query.shop_id
            and queries.query = rows_by_query.query
            and not queries.is_brand
        where rows_by_query.date_day between windows.prior_start and windows.window_end
        group by 1, 2
    ),

    everything as (
        select
            days.shop_id,
            days.page_key,
            {{ window_sum("search_clicks") }} as clicks,
            {{ window_sum("search_impressions") }} as impressions,
            {{ window_sum("position_x100_impr") }} as position_x100_impr,
            {{ prior_sum("search_clicks") }} as prior_clicks,
            {{ prior_sum("search_impressions") }} as prior_impressions,
            {{ prior_sum("position_x100_impr") }} as prior_position_x100_impr,
            {{ window_sum("sessions") }} as sessions,
            {{ window_sum("orders") }} as orders,
            {{ window_sum("net_cents") }} as net_cents
        from {{ ref("int_page_days") }} as days
        join {{ ref("int_windows") }} as windows on windows.shop_id = days.shop_id
        where days.date_day between windows.prior_start and windows.window_end
        group by 1, 2
    )

select
    coalesce(everything.shop_id, nonbrand.shop_id) as shop_id,
    coalesce(everything.page_key, nonbrand.page_key) as page_key,
    {% for measure in [
        "clicks",
        "impressions",
        "position_x100_impr",
        "prior_clicks",
        "prior_impressions",
        "prior_position_x100_impr",
        "sessions",
        "orders",
        "net_cents",
        "nonbrand_clicks",
        "nonbrand_impressions",
        "nonbrand_position_x100_impr",
        "prior_nonbrand_clicks",
        "prior_nonbrand_impressions",
        "prior_nonbrand_position_x100_impr",
    ] %}
        coalesce({{ measure }}, 0) as {{ measure }}{{ "," if not loop.last }}
    {% endfor %}
from everything
full outer join nonbrand on nonbrand.shop_id = everything.shop_id and nonbrand.page_key = everything.page_key
