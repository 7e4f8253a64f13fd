select 'orders' as source, max(local_date) as newest
from raw.orders
union all
select 'search' as source, max(date) as newest
from raw.search_page_daily
union all
select 'sessions' as source, max(date) as newest
from raw.sessions_daily
union all
select 'web vitals' as source, max(period_end) as newest
from raw.crux_history
