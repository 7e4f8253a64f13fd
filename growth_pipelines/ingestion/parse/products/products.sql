select
    _line,
    id as product_id,
    handle,
    title,
    producttype as product_type,
    vendor,
    lower(status) as status,
    array_to_string(tags, ', ') as tags,
    description,
    descriptionhtml as description_html,
    relatedlinks.value as related_links,
    nullif(seo.title, '') as seo_title,
    nullif(seo.description, '') as seo_description,
    onlinestoreurl as url,
    to_json(images)::varchar as images,
    complementaryproducts.value as complementary_products,
    relatedproducts.value as related_products,
    timezone('UTC', createdat) as created_at,
    timezone('UTC', updatedat) as updated_at,
    timezone('UTC', publishedat) as published_at
from landed
where id like 'gid://shopify/Product/%'
