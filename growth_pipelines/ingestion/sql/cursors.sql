select shop_id, stream, window_start, position, whole_at from raw._ingest_cursor
