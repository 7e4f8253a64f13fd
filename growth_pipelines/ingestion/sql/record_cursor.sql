insert into raw._ingest_cursor
    (shop_id, stream, window_start, position, whole_at, history_from, history_reason, run_id, updated_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
