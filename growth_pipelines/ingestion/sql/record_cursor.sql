insert into raw._ingest_cursor (shop_id, stream, window_start, position, run_id, updated_at)
values (?, ?, ?, ?, ?, ?)
