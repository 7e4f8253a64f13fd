-- When a page came: the day the shop says it was published (products; UTC), or an earlier one on which search, a
-- session or an order knew it. A product that was taken off and published again is as old as it was. Pages that
-- nothing has seen and no date tells of are not here.
with
    seen as (select shop_id, page_key, min(date_day) as seen_day from {{ ref("int_page_days") }} group by 1, 2),

    dated as (
        select shop_id, page_key, seen_day as shipped_day, 0 as is_published
        from seen
        union all
        select shop_id, page_key, cast(published_at as date), 1
        from {{ ref("int_pages") }}
        where is_published and published_at is not null
    )

select shop_id, page_key, min(shipped_day) as shipped_day, max(is_published) = 1 as is_published_known
from dated
group by 1, 2
