{% set thin_below_words = 50 %}
with
    catalogue as (
        select
            pages.*,
            coalesce(seo_title, title) as effective_title,
            coalesce(seo_description, substr(description, 1, 155)) as effective_description,
            -- the description is on one line, with single spaces
            case
                when description is null
                then 0
                else length(description) - length(replace(description, ' ', '')) + 1
            end as word_count
        from {{ ref("int_pages") }} as pages
    ),

    -- how many published pages a search engine is given the same words for
    titles as (
        select shop_id, lower(effective_title) as words, count(*) as pages
        from catalogue
        where is_published and effective_title is not null
        group by 1, 2
    ),

    descriptions as (
        select shop_id, lower(effective_description) as words, count(*) as pages
        from catalogue
        where is_published and effective_description is not null
        group by 1, 2
    ),

    changes as (
        select shop_id, resource_gid, max(seen_at) as changed_at
        from {{ ref("int_page_versions") }}
        where version_number > 1
        group by 1, 2
    ),

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
    catalogue.effective_title,
    catalogue.effective_description,
    catalogue.description,
    catalogue.product_type,
    catalogue.vendor,
    prices.price,
    prices.margin_rate,
    catalogue.tags,
    {{ json_text("catalogue.images", [0, "id"]) }} as image_gid,
    {{ json_text("catalogue.images", [0, "url"]) }} as image_url,
    {{ json_text("catalogue.images", [0, "alt"]) }} as image_alt,
    cast({{ json_text("catalogue.images", [0, "width"]) }} as bigint) as image_width,
    cast({{ json_text("catalogue.images", [0, "height"]) }} as bigint) as image_height,
    catalogue.is_published,
    catalogue.updated_at,
    cast(length(catalogue.effective_title) as bigint) as title_length,
    cast(length(catalogue.effective_description) as bigint) as description_length,
    cast(case when catalogue.page_type <> 'home' then catalogue.word_count end as bigint) as word_count,
    catalogue.page_type <> 'home' and catalogue.word_count < {{ thin_below_words }} as is_thin,
    coalesce(catalogue.is_published and titles.pages > 1, false) as is_duplicate_title,
    coalesce(catalogue.is_published and descriptions.pages > 1, false) as is_duplicate_description,
    md5(
        coalesce(catalogue.title, '')
        || '|'
        || coalesce(catalogue.seo_title, '')
        || '|'
        || coalesce(catalogue.seo_description, '')
        || '|'
        || coalesce(catalogue.description, '')
    ) as content_hash,
    changes.changed_at as content_changed_at
from catalogue
left join
    {{ ref("int_product_prices") }} as prices
    on prices.shop_id = catalogue.shop_id
    and prices.product_id = catalogue.resource_gid
left join titles on titles.shop_id = catalogue.shop_id and titles.words = lower(catalogue.effective_title)
left join
    descriptions
    on descriptions.shop_id = catalogue.shop_id
    and descriptions.words = lower(catalogue.effective_description)
left join changes on changes.shop_id = catalogue.shop_id and changes.resource_gid = catalogue.resource_gid
union all
select
    others.shop_id,
    others.page_key,
    case when others.page_key = '/' then 'home' else 'other' end,
    null,
    shops.primary_url || others.page_key,
    {% for column in range(17) %} null, {% endfor %}
    true,
    null,
    null,
    null,
    null,
    cast(null as boolean),
    cast(null as boolean),
    cast(null as boolean),
    null,
    cast(null as timestamp)
from others
join {{ ref("int_shops") }} as shops on shops.shop_id = others.shop_id
