select
    _line,
    id as collection_id,
    handle,
    title,
    description,
    descriptionhtml as description_html,
    nullif(seo.title, '') as seo_title,
    nullif(seo.description, '') as seo_description,
    sortorder as sort_order,
    getvariable('primary_url') || '/collections/' || handle as url,
    timezone('UTC', updatedat) as updated_at
from landed
where id like 'gid://shopify/Collection/%'
