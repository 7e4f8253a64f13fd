with
    source as (select * from {{ source("raw", "pages") }}),

    renamed as (
        select
            shop_id,
            page_id,
            lower(content_type) as content_type,
            handle,
            title,
            body,
            nullif(seo_title, '') as seo_title,
            nullif(seo_description, '') as seo_description,
            url,
            updated_at
        from source
    )

select *
from renamed
