-- Page, query and day over the last 120 complete days, position weighted by impressions.
select
    facts.page_key,
    facts.query,
    facts.date_day,
    facts.is_brand,
    facts.clicks,
    facts.impressions,
    cast(facts.position_x100_impr as double precision) / nullif(100 * facts.impressions, 0) as position
from marts.fct_search_query_page_daily as facts
where
    facts.date_day <= (select max(window_end) from marts.dim_shops)
    and facts.date_day > (select max(window_end) - 120 from marts.dim_shops)
    and facts.date_day < cast(? as date)
