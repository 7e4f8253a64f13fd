with
    source as (select * from {{ source("raw", "collections") }}),

    renamed as (
        select
            shop_id,
            collection_id,
            handle,
            title,
            description,
            description_html,
            nullif(seo_title, '') as seo_title,
            nullif(seo_description, '') as seo_description,
            sort_order,
            url,
            updated_at
        from source
    )

select *
from renamed
