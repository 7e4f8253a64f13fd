with
    catalogue as (select * from {{ ref("int_pages") }}),

    -- addresses that search or sessions name, but the shop's catalogue does not
    others as (
        select distinct urls.shop_id, urls.page_key
        from {{ ref("int_page_urls") }} as urls
        left join catalogue on catalogue.shop_id = urls.shop_id and catalogue.page_key = urls.page_key
        where urls.is_visited and catalogue.page_key is null
    )

select
    catalogue.shop_id,
    catalogue.page_key,
    catalogue.page_type,
    catalogue.resource_gid,
    catalogue.url,
    catalogue.handle,
    catalogue.title,
    catalogue.seo_title,
    catalogue.seo_description,
    coalesce(catalogue.seo_title, catalogue.title) as effective_title,
    coalesce(catalogue.seo_description, substr(catalogue.description, 1, 155)) as effective_description,
    catalogue.description,
    catalogue.product_type,
    catalogue.vendor,
    prices.price,
    catalogue.tags,
    {{ json_text("catalogue.images", [0, "id"]) }} as image_gid,
    {{ json_text("catalogue.images", [0, "url"]) }} as image_url,
    {{ json_text("catalogue.images", [0, "alt"]) }} as image_alt,
    cast({{ json_text("catalogue.images", [0, "width"]) }} as bigint) as image_width,
    cast({{ json_text("catalogue.images", [0, "height"]) }} as bigint) as image_height,
    catalogue.is_published,
    catalogue.updated_at
from catalogue
left join
    {{ ref("int_product_prices") }} as prices
    on prices.shop_id = catalogue.shop_id
    and prices.product_id = catalogue.resource_gid
union all
select
    others.shop_id,
    others.page_key,
    case when others.page_key = '/' then 'home' else 'other' end,
    null,
    shops.primary_url || others.page_key,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
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
    null
from others
join {{ ref("int_shops") }} as shops on shops.shop_id = others.shop_id
