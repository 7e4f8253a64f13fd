-- Every non-brand query of the newest window with its topic and intent. The topic is the pair of words that the
-- query
-- shares with the most impressions of others, fillers and words of intent left out; of a single word that word.
with
    queries as (
        select
            shop_id,
            query,
            trim({{ words("query", " ") }}) as spelled,
            {{ isum("clicks") }} as clicks,
            {{ isum("impressions") }} as impressions,
            {{ isum("position_x100_impr") }} as position_x100_impr
        from {{ ref("int_search_pairs") }}
        where not is_brand and impressions > 0
        group by 1, 2, 3
    ),

    split_queries as (
        select shop_id, query, impressions, {{ split_words("spelled") }} as word from queries where spelled <> ''
    ),

    words as (select distinct shop_id, query, impressions, {{ singular("word") }} as word from split_queries),

    split_types as (
        select shop_id, {{ split_words("trim(" ~ words("product_type", " ") ~ ")") }} as word
        from {{ ref("stg_shopify__products") }}
        where status = 'active' and product_type is not null
    ),

    -- words of what the shop sells
    sold as (select distinct shop_id, {{ singular("word") }} as word from split_types where length(word) > 1),

    told as (
        select
            words.shop_id, words.query, words.impressions, words.word, kinds.kind, sold.word is not null as is_sold
        from words
        left join {{ ref("search_words") }} as kinds on kinds.word = words.word
        left join sold on sold.shop_id = words.shop_id and sold.word = words.word
    ),

    intents as (
        select
            shop_id,
            query,
            case
                when max(case when kind = 'informational' then 1 else 0 end) = 1
                then 'informational'
                when max(case when kind = 'commercial' or is_sold then 1 else 0 end) = 1
                then 'commercial'
                else 'unclear'
            end as intent,
            min(case when kind is null then word end) as only_word
        from told
        group by 1, 2
    ),

    pairs as (
        select here.shop_id, here.query, here.impressions, here.word as first_word, there.word as second_word
        from told as here
        join told as there on there.shop_id = here.shop_id and there.query = here.query and there.word > here.word
        where here.kind is null and there.kind is null
    ),

    shared as (
        select shop_id, first_word, second_word, sum(impressions) as impressions from pairs group by 1, 2, 3
    ),

    ranked as (
        select
            pairs.shop_id,
            pairs.query,
            pairs.first_word,
            pairs.second_word,
            row_number() over (
                partition by pairs.shop_id, pairs.query
                order by shared.impressions desc, pairs.first_word, pairs.second_word
            ) as place
        from pairs
        join
            shared
            on shared.shop_id = pairs.shop_id
            and shared.first_word = pairs.first_word
            and shared.second_word = pairs.second_word
    )

select
    queries.shop_id,
    queries.query,
    coalesce(ranked.first_word || ' ' || ranked.second_word, intents.only_word, queries.spelled) as cluster,
    coalesce(ranked.first_word, intents.only_word, queries.spelled) as first_word,
    ranked.second_word,
    coalesce(intents.intent, 'unclear') as intent,
    queries.clicks,
    queries.impressions,
    queries.position_x100_impr
from queries
left join intents on intents.shop_id = queries.shop_id and intents.query = queries.query
left join ranked on ranked.shop_id = queries.shop_id and ranked.query = queries.query and ranked.place = 1
