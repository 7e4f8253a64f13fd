-- The pages of the shop's catalogue and content, and the home page; one row a page.
with
    shops as (select * from {{ ref("int_shops") }}),

    resources as (
        select
            shop_id,
            'product' as page_type,
            product_id as resource_gid,
            coalesce(url, '/products/' || handle) as address,
            handle,
            title,
            seo_title,
            seo_description,
            -- what was written below a text is not the page's own
            case
                when description_html like {{ marked_links() }}
                then {{ plain_text(without_links("description_html")) }}
                else {{ plain_text("coalesce(description, '')") }}
            end as description,
            description_html as body_html,
            related_links,
            product_type,
            vendor,
            tags,
            nullif(images, '') as images,
            status = 'active' as is_published,
            published_at,
            updated_at
        from {{ ref("stg_shopify__products") }}
        union all
        select
            shop_id,
            'collection',
            collection_id,
            coalesce(url, '/collections/' || handle),
            handle,
            title,
            seo_title,
            seo_description,
            case
                when description_html like {{ marked_links() }}
                then {{ plain_text(without_links("description_html")) }}
                else {{ plain_text("coalesce(description, '')") }}
            end,
            description_html,
            null,
            null,
            null,
            null,
            null,
            true,
            cast(null as timestamp),
            updated_at
        from {{ ref("stg_shopify__collections") }}
        union all
        select
            shop_id,
            case when content_type = 'article' then 'article' else 'page' end,
            page_id,
            coalesce(url, case when content_type = 'article' then '/blogs/' else '/pages/' end || handle),
            handle,
            title,
            seo_title,
            seo_description,
            {{ plain_text(without_links("coalesce(body, '')")) }},
            body,
            null,
            null,
            null,
            null,
            null,
            true,
            cast(null as timestamp),
            updated_at
        from {{ ref("stg_shopify__pages") }}
        union all
        select
            shop_id,
            'home',
            null,
            primary_url || '/',
            null,
            name,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            true,
            cast(null as timestamp),
            cast(null as timestamp)
        from {{ ref("stg_shopify__shops") }}
    ),

    keyed as (
        select
            resources.*,
            {{ page_key("address") }} as page_key,
            case when address like 'http%' then address else shops.primary_url || address end as url
        from resources
        join shops on shops.shop_id = resources.shop_id
    ),

    -- two resources never share an address, but a draft may keep the one of its successor
    ranked as (
        select
            *,
            row_number() over (
                partition by shop_id, page_key
                order by case when is_published then 0 else 1 end, page_type, resource_gid
            ) as choice
        from keyed
    )

select
    shop_id,
    page_key,
    page_type,
    resource_gid,
    url,
    handle,
    title,
    seo_title,
    seo_description,
    nullif(description, '') as description,
    body_html,
    related_links,
    product_type,
    vendor,
    tags,
    images,
    is_published,
    published_at,
    updated_at
from ranked
where choice = 1
