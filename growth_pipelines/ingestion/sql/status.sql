with
    newest as (
        select
            shop_id,
            stream,
            status,
            loaded_rows,
            failure,
            finished_at,
            row_number() over (partition by shop_id, stream order by finished_at desc, started_at desc) as recency
        from raw._ingest_run
    )
select
    newest.stream,
    cursors.window_start,
    cursors.position,
    newest.finished_at,
    newest.status,
    newest.loaded_rows,
    newest.failure
from newest
left join raw._ingest_cursor as cursors on cursors.shop_id = newest.shop_id and cursors.stream = newest.stream
where newest.recency = 1
order by newest.stream
