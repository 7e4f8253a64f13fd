-- Page and query over the newest 28 complete days and over the 28 before, each dated by its last day; position is
-- weighted by impressions.
select
    facts.page_key,
    facts.query,
    case
        when facts.date_day >= shops.window_start then shops.window_end else shops.window_start - 1
    end as date_day,
    facts.is_brand,
    cast(sum(facts.clicks) as bigint) as clicks,
    cast(sum(facts.impressions) as bigint) as impressions,
    cast(sum(facts.position_x100_impr) as double precision) / nullif(100 * sum(facts.impressions), 0) as position
from marts.fct_search_query_page_daily as facts
join marts.dim_shops as shops on shops.shop_id = facts.shop_id
where facts.date_day between shops.window_start - 28 and shops.window_end and facts.date_day < cast(? as date)
group by 1, 2, 3, 4
