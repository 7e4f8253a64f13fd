-- Non-brand queries for which several pages of the shop compete in the newest window, one row a competing page. A
-- page competes when it has at least a tenth of the query's impressions and ten of them.
{% set least_impressions = 10 %}
{% set least_share = 0.1 %}
with
    pairs as (select * from {{ ref("int_search_pairs") }} where not is_brand and impressions > 0),

    totals as (
        -- an impression in which two pages are shown counts for both
        select shop_id, query, {{ isum("clicks") }} as query_clicks, {{ isum("impressions") }} as query_impressions
        from pairs
        group by 1, 2
        having count(*) > 1
    ),

    competing as (
        select
            pairs.shop_id,
            pairs.query,
            pairs.page_key,
            pairs.clicks,
            pairs.impressions,
            pairs.position_x100_impr,
            totals.query_clicks,
            totals.query_impressions
        from pairs
        join totals on totals.shop_id = pairs.shop_id and totals.query = pairs.query
        where
            pairs.impressions >= {{ least_impressions }}
            and pairs.impressions >= {{ least_share }} * totals.query_impressions
    ),

    counted as (
        select
            competing.*,
            count(*) over (partition by shop_id, query) as competing_pages,
            row_number() over (
                partition by shop_id, query order by clicks desc, impressions desc, page_key
            ) as page_rank
        from competing
    )

select *
from counted
where competing_pages > 1
