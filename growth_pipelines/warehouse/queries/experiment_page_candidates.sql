-- Pages that may take part in a split test, with what they got on each of the days before it.
select
    pages.page_key as page,
    pages.page_type as template,
    days.date_day as date,
    days.search_clicks as clicks,
    days.search_impressions as impressions,
    days.sessions,
    days.orders,
    days.net_cents as revenue
from marts.dim_pages as pages
join marts.fct_page_daily as days on days.shop_id = pages.shop_id and days.page_key = pages.page_key
where
    pages.shop_id = ?
    and pages.is_published
    and (cast(? as varchar) = '' or pages.page_type = ?)
    and coalesce(pages.handle, '') like ? escape '!'
    and days.date_day between cast(? as date) and cast(? as date)
order by 1, 3
