-- An unpublished page has no address.
select
    _line,
    id as page_id,
    case when id like 'gid://shopify/Article/%' then 'article' else 'page' end as content_type,
    handle,
    title,
    body,
    nullif(seotitle.value, '') as seo_title,
    nullif(seodescription.value, '') as seo_description,
    case
        when not ispublished
        then null
        when id like 'gid://shopify/Article/%'
        then getvariable('primary_url') || '/blogs/' || blog.handle || '/' || handle
        else getvariable('primary_url') || '/pages/' || handle
    end as url,
    timezone('UTC', updatedat) as updated_at
from landed
