-- A run that saw no limit has read the time before what the limit had shown.
update raw._ingest_cursor
set history_from = null, history_reason = null
where shop_id = ? and stream = ? and history_from > ?
