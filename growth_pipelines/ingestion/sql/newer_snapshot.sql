-- A time in the future was written by a clock that was wrong, and says nothing.
select 1
from raw._ingest_file
where shop_id = ? and stream = ? and whole and landed_at > ? and landed_at <= ?
limit 1
