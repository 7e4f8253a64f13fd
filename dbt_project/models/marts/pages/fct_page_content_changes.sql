select
    versions.shop_id,
    pages.page_key,
    versions.seen_at,
    versions.updated_at,
    versions.version_number - 1 as change_number,
    versions.title_before,
    versions.title,
    versions.seo_title_before,
    versions.seo_title,
    versions.seo_description_before,
    versions.seo_description,
    coalesce(versions.seo_title_before, versions.title_before, '')
    <> coalesce(versions.seo_title, versions.title, '') as is_title_changed,
    coalesce(versions.seo_description_before, '')
    <> coalesce(versions.seo_description, '') as is_description_changed,
    coalesce(versions.body_hash_before, '') <> coalesce(versions.body_hash, '') as is_body_changed
from {{ ref("int_page_versions") }} as versions
join
    {{ ref("int_pages") }} as pages
    on pages.shop_id = versions.shop_id
    and pages.resource_gid = versions.resource_gid
where versions.version_number > 1
