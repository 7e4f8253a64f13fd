with
    source as (select * from {{ source("raw", "products") }}),

    renamed as (
        select
            -- -------- ids
            shop_id,
            product_id,
            handle,

            -- -------- text
            title,
            product_type,
            vendor,
            lower(status) as status,
            tags,
            description,
            description_html,
            related_links,
            nullif(seo_title, '') as seo_title,
            nullif(seo_description, '') as seo_description,
            url,
            images,
            complementary_products,
            related_products,

            -- -------- times
            created_at,
            updated_at,
            published_at
        from source
    )

select *
from renamed
