-- Every spelling of a page's address in any source, with the key of the page it means; of an address that is
-- gone, the
-- page it is redirected to.
with
    spellings as (
        select shop_id, page_url as raw_url, 1 as is_query_url, 0 as is_landing_url, 'search' as seen_in
        from (select distinct shop_id, page_url from {{ ref("stg_search_console__page_query_daily") }}) as queries
        union all
        select distinct shop_id, page_url, 0, 0, 'search'
        from {{ ref("stg_search_console__page_daily") }}
        union all
        select distinct shop_id, landing_path, 0, 1, 'sessions'
        from {{ ref("int_sessions_daily") }}
        union all
        select distinct shop_id, landing_path, 0, 0, 'orders'
        from {{ ref("stg_shopify__orders") }}
        union all
        select distinct shop_id, target_url, 0, 0, 'vitals'
        from {{ ref("stg_crux__records") }}
        where scope = 'page'
        union all
        select distinct shop_id, target_url, 0, 0, 'vitals'
        from {{ ref("stg_crux__history") }}
        where scope = 'page'
        union all
        select distinct shop_id, page_url, 0, 0, 'vitals'
        from {{ ref("stg_psi__runs") }}
    ),

    keyed as (
        select
            shop_id,
            raw_url,
            {{ page_key("raw_url") }} as page_key,
            max(is_query_url) as is_query_url,
            max(is_landing_url) as is_landing_url,
            max(case when seen_in in ('search', 'sessions') then 1 else 0 end) = 1 as is_visited
        from spellings
        where raw_url is not null
        group by shop_id, raw_url
    ),

    redirected as (
        select
            keyed.shop_id,
            keyed.raw_url,
            keyed.is_query_url,
            keyed.is_landing_url,
            keyed.is_visited,
            coalesce(redirects.target_key, keyed.page_key) as page_key,
            redirects.page_key is not null as is_redirected
        from keyed
        left join
            {{ ref("int_redirects") }} as redirects
            on redirects.shop_id = keyed.shop_id
            and redirects.page_key = keyed.page_key
    )

select
    shop_id,
    raw_url,
    page_key,
    is_visited,
    is_redirected,
    -- how many spellings of this page have rows by query, and sessions; almost always one
    cast(sum(is_query_url) over (partition by shop_id, page_key) as bigint) as query_urls,
    cast(sum(is_landing_url) over (partition by shop_id, page_key) as bigint) as landing_urls
from redirected
