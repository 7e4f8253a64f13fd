select window_start, position, whole_at, history_from, history_reason
from raw._ingest_cursor
where shop_id = ? and stream = ?
