select shop_id, stream, window_start, position from raw._ingest_cursor
