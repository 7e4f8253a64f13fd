-- Topics that people search for, and whether a page serves them: one page gets at least half of the impressions,
-- stands
-- on the first ten places, and its title names the topic.
with
    clusters as (
        select
            shop_id,
            cluster,
            min(first_word) as first_word,
            min(second_word) as second_word,
            cast(count(*) as bigint) as queries,
            {{ isum("clicks") }} as clicks,
            {{ isum("impressions") }} as impressions,
            {{ isum("position_x100_impr") }} as position_x100_impr,
            {{ isum("case when intent = 'commercial' then impressions end") }} as commercial_impressions,
            {{ isum("case when intent = 'informational' then impressions end") }} as informational_impressions
        from {{ ref("int_search_query_topics") }}
        group by 1, 2
    ),

    served as (
        select
            pairs.shop_id,
            topics.cluster,
            pairs.page_key,
            {{ isum("pairs.impressions") }} as impressions,
            {{ isum("pairs.position_x100_impr") }} as position_x100_impr,
            row_number() over (
                partition by pairs.shop_id, topics.cluster order by sum(pairs.impressions) desc, pairs.page_key
            ) as place,
            count(*) over (partition by pairs.shop_id, topics.cluster) as pages
        from {{ ref("int_search_pairs") }} as pairs
        join
            {{ ref("int_search_query_topics") }} as topics
            on topics.shop_id = pairs.shop_id
            and topics.query = pairs.query
        where not pairs.is_brand and pairs.impressions > 0
        group by 1, 2, 3
    ),

    joined as (
        select
            clusters.*,
            served.page_key as main_page_key,
            served.pages,
            {{ ratio("served.impressions", "clusters.impressions") }} as main_page_share,
            {{ ratio("served.position_x100_impr", "100 * served.impressions") }} as main_page_position,
            ' ' || {{ words("coalesce(pages.effective_title, '')", " ") }} as title_words,
            pages.page_type in ('product', 'collection', 'page', 'article') as is_of_catalogue
        from clusters
        join served on served.shop_id = clusters.shop_id and served.cluster = clusters.cluster and served.place = 1
        left join
            {{ ref("dim_pages") }} as pages on pages.shop_id = served.shop_id and pages.page_key = served.page_key
    ),

    judged as (
        select
            joined.*,
            position(' ' || first_word in title_words) > 0
            and (second_word is null or position(' ' || second_word in title_words) > 0) as is_named_in_title
        from joined
    )

select
    shop_id,
    cluster,
    queries,
    clicks,
    impressions,
    {{ ratio("clicks", "impressions") }} as ctr,
    {{ ratio("position_x100_impr", "100 * impressions") }} as avg_position,
    commercial_impressions,
    informational_impressions,
    case
        when commercial_impressions >= informational_impressions and 2 * commercial_impressions >= impressions
        then 'commercial'
        when 2 * informational_impressions >= impressions
        then 'informational'
        else 'unclear'
    end as intent,
    pages,
    main_page_key,
    main_page_share,
    main_page_position,
    is_named_in_title,
    coalesce(is_of_catalogue, false)
    and main_page_share >= 0.5
    and main_page_position <= 10
    and is_named_in_title as is_served_well
from judged
