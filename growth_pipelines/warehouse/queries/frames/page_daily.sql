-- What the monitors watch: complete days of the last two years.
select
    facts.page_key as page,
    facts.date_day as date,
    facts.search_clicks as clicks,
    facts.search_impressions as impressions,
    cast(facts.position_x100_impr as double precision) / nullif(100 * facts.search_impressions, 0) as position,
    facts.sessions
from marts.fct_page_daily as facts
where
    facts.date_day <= (select max(window_end) from marts.dim_shops)
    and facts.date_day > (select max(window_end) - 730 from marts.dim_shops)
    and facts.date_day < cast(? as date)
order by facts.page_key, facts.date_day
