-- A run has read everything from its start on, in pieces that may not have touched what was there before.
update raw._ingest_cursor
set window_start = ?
where shop_id = ? and stream = ? and window_start > ? and window_start <= ?
