with
    ranked as (
        select
            shop_id,
            query,
            page_key,
            row_number() over (
                partition by shop_id, query order by impressions desc, clicks desc, page_key
            ) as place,
            count(*) over (partition by shop_id, query) as pages
        from {{ ref("int_search_pairs") }}
        where not is_brand and impressions > 0
    )

select
    topics.shop_id,
    topics.query,
    topics.cluster,
    topics.intent,
    ranked.page_key as main_page_key,
    ranked.pages,
    topics.clicks,
    topics.impressions,
    {{ ratio("topics.position_x100_impr", "100 * topics.impressions") }} as avg_position
from {{ ref("int_search_query_topics") }} as topics
join ranked on ranked.shop_id = topics.shop_id and ranked.query = topics.query and ranked.place = 1
