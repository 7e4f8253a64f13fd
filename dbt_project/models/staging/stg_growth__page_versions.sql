with
    source as (select * from {{ source("raw", "_page_versions") }}),

    renamed as (
        select shop_id, resource_gid, seen_at, updated_at, title, seo_title, seo_description, body_hash from source
    )

select *
from renamed
