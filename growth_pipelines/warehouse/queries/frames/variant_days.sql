-- Units of each variant and day over the last 84 complete days.
select lines.variant_id, lines.date_day, cast(sum(lines.quantity) as bigint) as units
from marts.fct_order_lines as lines
where lines.variant_id is not null and lines.date_day >= cast(? as date) - 84 and lines.date_day < cast(? as date)
group by 1, 2
having sum(lines.quantity) > 0
