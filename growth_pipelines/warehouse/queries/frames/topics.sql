-- What people search for, with how many of its queries several pages of the shop compete for already.
with
    contested as (
        select queries.shop_id, queries.cluster, count(distinct rivals.query) as contested_queries
        from marts.fct_search_cannibalisation as rivals
        join
            marts.dim_search_queries as queries
            on queries.shop_id = rivals.shop_id
            and queries.query = rivals.query
        group by 1, 2
    )

select clusters.*, coalesce(contested.contested_queries, 0) as contested_queries
from marts.fct_search_query_clusters as clusters
left join contested on contested.shop_id = clusters.shop_id and contested.cluster = clusters.cluster
order by clusters.cluster
