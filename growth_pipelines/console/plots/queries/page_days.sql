-- A page's days over the last 16 weeks that are complete.
select
    days.date_day,
    coalesce(days.search_impressions, 0) as impressions,
    coalesce(days.search_clicks, 0) as clicks,
    days.sessions,
    shops.window_end
from marts.fct_page_daily as days
join marts.dim_shops as shops on shops.shop_id = days.shop_id
where days.page_key = ? and days.date_day <= shops.window_end and days.date_day > shops.window_end - 112
order by days.date_day
