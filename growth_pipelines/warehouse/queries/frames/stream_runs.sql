-- When every stream was read with success, the oldest first.
select stream, finished_at
from raw._ingest_run
where status = 'loaded' and finished_at >= cast(? as date) - 90
order by stream, finished_at
