-- The queries of topics with commercial intent that no page serves well, largest first.
select queries.*
from marts.dim_search_queries as queries
join
    marts.fct_search_query_clusters as clusters
    on clusters.shop_id = queries.shop_id
    and clusters.cluster = queries.cluster
where clusters.intent = 'commercial' and not clusters.is_served_well
order by queries.cluster, queries.impressions desc, queries.query
