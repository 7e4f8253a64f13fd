-- The whole property in search over its newest 28 days, and over the 28 before.
with
    newest as (
        select max(date_day) as last_day from marts.fct_search_totals_daily where property_clicks is not null
    ),

    windows as (
        select search.*, case when search.date_day > newest.last_day - 28 then 1 else 0 end as is_now
        from marts.fct_search_totals_daily as search
        cross join newest
        where search.date_day > newest.last_day - 56 and search.date_day <= newest.last_day
    )

select
    is_now,
    min(date_day) as first_day,
    max(date_day) as last_day,
    count(distinct date_day) as days,
    sum(property_clicks) as clicks,
    sum(property_impressions) as impressions
from windows
group by is_now
order by is_now
