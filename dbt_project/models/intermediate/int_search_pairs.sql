-- A page and query over the newest 90 complete days, and of these the newest 28 and the 28 before them. What the
-- models of curves, chances and rivals have in common, read from the long fact once. Rows are added up by address
-- before addresses are turned into pages: a tenth of the rows to join.
with
    by_address as (
        select
            rows_by_query.shop_id,
            rows_by_query.page_url,
            rows_by_query.query,
            {% for measure in ["clicks", "impressions", "position_x100_impr"] %}
                {{ window_sum(measure) }} as {{ measure }},
                {{ prior_sum(measure) }} as prior_{{ measure }},
                {{ isum(measure) }} as quarter_{{ measure }}{{ "," if not loop.last }}
            {% endfor %}
        from {{ ref("stg_search_console__page_query_daily") }} as rows_by_query
        join {{ ref("int_windows") }} as windows on windows.shop_id = rows_by_query.shop_id
        where rows_by_query.date_day between {{ add_days("windows.window_end", -89) }} and windows.window_end
        group by 1, 2, 3
    )

select
    by_address.shop_id,
    urls.page_key,
    by_address.query,
    queries.is_brand,
    {% for measure in ["clicks", "impressions", "position_x100_impr"] %}
        {{ isum("by_address." ~ measure) }} as {{ measure }},
        {{ isum("by_address.prior_" ~ measure) }} as prior_{{ measure }},
        {{ isum("by_address.quarter_" ~ measure) }} as quarter_{{ measure }}{{ "," if not loop.last }}
    {% endfor %}
from by_address
join {{ ref("int_page_urls") }} as urls on urls.shop_id = by_address.shop_id and urls.raw_url = by_address.page_url
join
    {{ ref("int_search_queries") }} as queries
    on queries.shop_id = by_address.shop_id
    and queries.query = by_address.query
group by 1, 2, 3, 4
