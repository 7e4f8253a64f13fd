insert into raw._ingest_file
    (
        file_id,
        shop_id,
        stream,
        sha256,
        request,
        api_version,
        whole,
        lines,
        bytes,
        window_start,
        window_end,
        landed_at,
        loaded_at
    )
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
