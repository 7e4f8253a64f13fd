-- How many keys a table has more than once, how many rows are too many, and one of the keys.
select count(*) as keys, coalesce(sum(copies - 1), 0) as extra_rows, min(example) as example
from
    (
        select concat_ws(', ', {key}) as example, count(*) as copies
        from {table}
        where shop_id = ?
        group by {key}
        having count(*) > 1
    ) as repeated
