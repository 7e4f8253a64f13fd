with
    members as (
        select
            members.shop_id,
            members.collection_id,
            cast(count(*) as bigint) as products,
            cast(count(case when products.status = 'active' then 1 end) as bigint) as products_active
        from {{ ref("stg_shopify__collection_products") }} as members
        left join
            {{ ref("stg_shopify__products") }} as products
            on products.shop_id = members.shop_id
            and products.product_id = members.product_id
        group by 1, 2
    )

select
    collections.shop_id,
    collections.collection_id,
    pages.page_key,
    collections.handle,
    collections.title,
    collections.seo_title,
    collections.seo_description,
    collections.sort_order,
    coalesce(members.products, 0) as products,
    coalesce(members.products_active, 0) as products_active,
    collections.updated_at
from {{ ref("stg_shopify__collections") }} as collections
left join members on members.shop_id = collections.shop_id and members.collection_id = collections.collection_id
left join
    {{ ref("int_pages") }} as pages
    on pages.shop_id = collections.shop_id
    and pages.resource_gid = collections.collection_id
