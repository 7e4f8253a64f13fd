-- Non-brand queries of the newest 28 complete days with the page that is shown most for each: the query's clicks,
-- impressions and position there, and those of the page's other queries. Queries that hardly anybody types are left
-- out: they add nothing to what is asked.
with
    rows_of_page as (
        select
            facts.shop_id,
            facts.page_key,
            facts.query,
            sum(facts.clicks) as clicks,
            sum(facts.impressions) as impressions,
            sum(facts.position_x100_impr) as position_x100_impr
        from marts.fct_search_query_page_daily as facts
        join marts.dim_shops as shops on shops.shop_id = facts.shop_id
        where
            not facts.is_brand
            and facts.date_day between shops.window_start and shops.window_end
            and facts.date_day < cast(? as date)
        group by facts.shop_id, facts.page_key, facts.query
    ),

    totals as (
        select
            shop_id,
            page_key,
            sum(clicks) as clicks,
            sum(impressions) as impressions,
            sum(position_x100_impr) as position_x100_impr
        from rows_of_page
        group by shop_id, page_key
    )

select
    queries.query,
    queries.cluster,
    queries.main_page_key,
    cast(own.clicks as double precision) as clicks,
    cast(own.impressions as double precision) as impressions,
    cast(own.position_x100_impr as double precision) / (100 * own.impressions) as position,
    cast(totals.clicks - own.clicks as double precision) as other_clicks,
    cast(totals.impressions - own.impressions as double precision) as other_impressions,
    cast(totals.position_x100_impr - own.position_x100_impr as double precision)
    / nullif(100 * (totals.impressions - own.impressions), 0) as other_position
from marts.dim_search_queries as queries
join
    rows_of_page as own
    on own.shop_id = queries.shop_id
    and own.query = queries.query
    and own.page_key = queries.main_page_key
join totals on totals.shop_id = own.shop_id and totals.page_key = own.page_key
where queries.impressions >= 10 and own.impressions > 0
order by queries.query
