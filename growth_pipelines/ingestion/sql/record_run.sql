insert into raw._ingest_run
    (
        run_id,
        shop_id,
        stream,
        status,
        window_start,
        window_end,
        started_at,
        finished_at,
        requests,
        loaded_rows,
        received_bytes,
        throttled,
        retries,
        waited_seconds,
        seconds,
        outdated_rows,
        repeated_rows,
        unknown_fields,
        table_rows,
        api_version,
        notes,
        failure
    )
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
