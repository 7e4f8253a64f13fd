-- Pages by search clicks of the last weeks, then the shop's other addresses.
with
    clicked as (
        select page as url, sum(clicks) as clicks
        from raw.search_page_daily
        where shop_id = ? and date >= ?
        group by page
    ),
    known as (
        select url
        from raw.products
        where shop_id = ? and url is not null
        union
        select url
        from raw.collections
        where shop_id = ?
        union
        select url
        from raw.pages
        where shop_id = ? and url is not null
    ),
    candidates as (
        select url, clicks
        from clicked
        union all
        select known.url, 0 as clicks
        from known
        left join clicked on clicked.url = known.url
        where clicked.url is null
    )
select url
from candidates
order by clicks desc, url
limit ?
