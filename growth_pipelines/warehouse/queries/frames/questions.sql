-- Queries that may be questions, with the page that is shown most for each: its impressions, clicks and position over
-- the newest 28 complete days.
select
    queries.query,
    queries.cluster,
    queries.main_page_key,
    cast(sum(facts.clicks) as bigint) as clicks,
    cast(sum(facts.impressions) as bigint) as impressions,
    cast(sum(facts.position_x100_impr) as double precision) / nullif(100 * sum(facts.impressions), 0) as position
from marts.dim_search_queries as queries
join marts.dim_shops as shops on shops.shop_id = queries.shop_id
join
    marts.fct_search_query_page_daily as facts
    on facts.shop_id = queries.shop_id
    and facts.query = queries.query
    and facts.page_key = queries.main_page_key
where
    facts.date_day between shops.window_start and shops.window_end
    and facts.date_day < cast(? as date)
    and queries.intent <> 'commercial'
group by queries.query, queries.cluster, queries.main_page_key
order by queries.cluster, queries.query
