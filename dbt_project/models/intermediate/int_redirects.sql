-- Where an address that is gone leads to in the end, by page keys. Up to three redirects in a row are followed;
-- what
-- leads out of the shop, to itself or in a circle is none. A page that is there is shown and not redirected.
with
    shops as (
        select shop_id, lower(primary_url) as primary_url, lower(domain) as domain from {{ ref("int_shops") }}
    ),

    inside as (
        select
            redirects.shop_id,
            {{ page_key("redirects.path") }} as page_key,
            min({{ page_key("redirects.target") }}) as target_key
        from {{ ref("stg_shopify__redirects") }} as redirects
        join shops on shops.shop_id = redirects.shop_id
        where
            redirects.target like '/%'
            or position(shops.primary_url in lower(redirects.target)) = 1
            or position('://' || shops.domain in lower(redirects.target)) > 0
        group by 1, 2
    ),

    hops as (
        select inside.shop_id, inside.page_key, inside.target_key
        from inside
        left join
            {{ ref("int_pages") }} as pages
            on pages.shop_id = inside.shop_id
            and pages.page_key = inside.page_key
            and pages.is_published
        where pages.page_key is null and inside.page_key <> inside.target_key
    ),

    followed as (
        select
            first_hop.shop_id,
            first_hop.page_key,
            coalesce(third.target_key, second.target_key, first_hop.target_key) as target_key
        from hops as first_hop
        left join hops as second on second.shop_id = first_hop.shop_id and second.page_key = first_hop.target_key
        left join hops as third on third.shop_id = second.shop_id and third.page_key = second.target_key
    )

-- a target that is redirected still is part of a circle, or of a chain that nobody should have made
select followed.shop_id, followed.page_key, followed.target_key
from followed
left join hops as circle on circle.shop_id = followed.shop_id and circle.page_key = followed.target_key
where circle.page_key is null
