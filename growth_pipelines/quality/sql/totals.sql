-- How many rows a table had at its last looks, the newest first.
select total_rows from raw._quality_batch where table_name = ? order by judged_at desc limit ?
