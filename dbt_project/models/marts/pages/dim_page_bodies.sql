select shop_id, page_key, page_type, resource_gid, body_html, related_links, images, updated_at
from {{ ref("int_pages") }}
where
    is_published
    and resource_gid is not null
    and (
        lower(body_html) like '%<img%'
        or lower(body_html) like '%<ol%'
        or body_html like {{ marked_links() }}
        or related_links is not null
    )
