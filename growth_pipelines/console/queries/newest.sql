-- The last day that each source really covers; null where nothing is loaded.
select
    (select max(date_day) from marts.fct_shop_daily where orders > 0) as orders,
    (select max(date_day) from marts.fct_page_daily where search_impressions > 0) as search,
    (select max(period_end) from marts.fct_web_vitals) as vitals
