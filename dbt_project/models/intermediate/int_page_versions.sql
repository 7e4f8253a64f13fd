-- Every state of a page's own words that a build has seen, numbered from 1, with the state before it.
select
    shop_id,
    resource_gid,
    seen_at,
    updated_at,
    title,
    seo_title,
    seo_description,
    body_hash,
    cast(row_number() over (partition by shop_id, resource_gid order by seen_at) as bigint) as version_number,
    {% for column in ["title", "seo_title", "seo_description", "body_hash"] %}
        lag({{ column }}) over (partition by shop_id, resource_gid order by seen_at) as {{ column }}_before
        {{- "," if not loop.last }}
    {% endfor %}
from {{ ref("stg_growth__page_versions") }}
