{{
    config(
        materialized="table" if target.type == "spark" else "incremental",
        incremental_strategy="days",
        on_schema_change="append_new_columns",
    )
}}
-- A page with one spelling of its address, as nearly all have, is at the grain already; only the rest is added up.
-- At five million rows that is the difference between one second and three.
with
    named as {{ not_materialized() }} (
        select
            source.shop_id,
            urls.page_key,
            source.query,
            source.date_day,
            queries.is_brand,
            source.clicks,
            source.impressions,
            source.position_x100_impr,
            urls.query_urls
        from {{ ref("stg_search_console__page_query_daily") }} as source
        join {{ ref("int_page_urls") }} as urls on urls.shop_id = source.shop_id and urls.raw_url = source.page_url
        join
            {{ ref("int_search_queries") }} as queries
            on queries.shop_id = source.shop_id
            and queries.query = source.query
        where {{ is_rebuilt("source.date_day") }}
    )

select shop_id, page_key, query, date_day, is_brand, clicks, impressions, position_x100_impr
from named
where query_urls = 1
union all
select
    shop_id,
    page_key,
    query,
    date_day,
    is_brand,
    {{ isum("clicks") }},
    {{ isum("impressions") }},
    {{ isum("position_x100_impr") }}
from named
where query_urls > 1
group by shop_id, page_key, query, date_day, is_brand
