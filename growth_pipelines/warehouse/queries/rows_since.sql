select coalesce(sum(case when date_day >= cast(? as date) then row_count end), 0), coalesce(sum(row_count), 0)
from raw._day
where source in ({sources})
