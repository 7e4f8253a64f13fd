select window_start, position from raw._ingest_cursor where shop_id = ? and stream = ?
