-- Rows of every stream that has one or more a day, by the day that they tell of.
select 'orders' as stream, local_date as date_day, count(*) as found
from raw.orders
where local_date < cast(? as date) and local_date >= cast(? as date) - 400
group by local_date
union all
select 'search pages' as stream, date as date_day, count(*) as found
from raw.search_page_daily
where date < cast(? as date) and date >= cast(? as date) - 400
group by date
union all
select 'sessions' as stream, date as date_day, count(*) as found
from raw.sessions_daily
where date < cast(? as date) and date >= cast(? as date) - 400
group by date
