-- The first day of these sources that is not as it was when the model was built; null when all are.
select min(date_day)
from
    (
        select source, date_day
        from
            (
                select source, date_day, content
                from raw._day
                union all
                select source, date_day, content
                from raw._built_day
                where model = ?
            ) as both_states
        where source in ({sources})
        group by source, date_day
        having count(*) < 2 or min(content) <> max(content)
    ) as changed
