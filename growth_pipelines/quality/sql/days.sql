-- Rows of each day of a table, and the median and the 90th percentile of its figures.
select {day} as date_day, count(*) as rows{figures}
from {table}
where shop_id = ? and {day} >= ? and {day} <= ?
group by {day}
order by {day}
