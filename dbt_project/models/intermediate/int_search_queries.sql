-- Every query once, told apart into brand and non-brand. A query is a brand query when it holds a brand term as
-- whole words, or run together ("hotrodparts" for "hot rod parts") where the term has at least six letters.
with
    queries as (select distinct shop_id, query from {{ ref("stg_search_console__page_query_daily") }}),

    spelled as (
        select
            shop_id,
            query,
            ' ' || trim({{ words("query", " ") }}) || ' ' as spaced,
            {{ words("query", "") }} as squeezed
        from queries
    ),

    terms as (
        select shop_id, ' ' || trim({{ words("term", " ") }}) || ' ' as spaced, {{ words("term", "") }} as squeezed
        from {{ ref("stg_growth__brand_terms") }}
    ),

    brand as (
        select distinct spelled.shop_id, spelled.query
        from spelled
        join terms on terms.shop_id = spelled.shop_id
        where
            terms.squeezed <> ''
            and (
                position(terms.spaced in spelled.spaced) > 0
                or (length(terms.squeezed) >= 6 and position(terms.squeezed in spelled.squeezed) > 0)
            )
    )

select queries.shop_id, queries.query, brand.query is not null as is_brand
from queries
left join brand on brand.shop_id = queries.shop_id and brand.query = queries.query
