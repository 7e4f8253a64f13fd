-- What pages say, kept when it changes: the shop tells only how they are now. Written before each build, so a
-- change
-- that is undone between two builds is none.
create table if not exists raw._page_versions (
    shop_id varchar,
    resource_gid varchar,
    seen_at timestamp,
    updated_at timestamp,
    title varchar,
    seo_title varchar,
    seo_description varchar,
    body_hash varchar
);
-- The clock may stand still: of one instant there is one state.
delete from raw._page_versions
where seen_at = cast(? as timestamp)
;
insert into raw._page_versions
with
    now_there as (
        select shop_id, product_id as resource_gid, updated_at, title, seo_title, seo_description, description as body
        from raw.products
        union all
        select shop_id, collection_id, updated_at, title, seo_title, seo_description, description
        from raw.collections
        union all
        select shop_id, page_id, updated_at, title, seo_title, seo_description, body
        from raw.pages
    ),

    current_version as (
        select
            shop_id,
            resource_gid,
            max(updated_at) as updated_at,
            max(title) as title,
            max(nullif(seo_title, '')) as seo_title,
            max(nullif(seo_description, '')) as seo_description,
            md5(coalesce(max(body), '')) as body_hash
        from now_there
        group by shop_id, resource_gid
    ),

    newest as (
        select shop_id, resource_gid, max(seen_at) as seen_at
        from raw._page_versions
        group by shop_id, resource_gid
    ),

    known as (
        select versions.*
        from raw._page_versions as versions
        join
            newest
            on newest.shop_id = versions.shop_id
            and newest.resource_gid = versions.resource_gid
            and newest.seen_at = versions.seen_at
    )

select
    current_version.shop_id,
    current_version.resource_gid,
    cast(? as timestamp),
    current_version.updated_at,
    current_version.title,
    current_version.seo_title,
    current_version.seo_description,
    current_version.body_hash
from current_version
left join
    known
    on known.shop_id = current_version.shop_id
    and known.resource_gid = current_version.resource_gid
where
    known.resource_gid is null
    or coalesce(known.title, '') <> coalesce(current_version.title, '')
    or coalesce(known.seo_title, '') <> coalesce(current_version.seo_title, '')
    or coalesce(known.seo_description, '') <> coalesce(current_version.seo_description, '')
    or known.body_hash <> current_version.body_hash
