-- Each stream's newest run, how far it has come, when it last succeeded and what it last failed on.
with
    runs as (
        select
            *,
            row_number() over (partition by shop_id, stream order by finished_at desc, started_at desc) as recency
        from raw._ingest_run
    ),
    newest as (select * from runs where recency = 1),
    succeeded as (
        select shop_id, stream, max(finished_at) as finished_at
        from raw._ingest_run
        where status = 'loaded'
        group by shop_id, stream
    ),
    failures as (
        select
            shop_id,
            stream,
            finished_at,
            failure,
            row_number() over (partition by shop_id, stream order by finished_at desc) as recency
        from raw._ingest_run
        where status = 'failed'
    )
select
    newest.stream,
    newest.shop_id,
    newest.status,
    cursors.window_start as covered_from,
    cursors.position as covered_to,
    cursors.whole_at,
    cursors.history_from,
    cursors.history_reason,
    newest.started_at,
    newest.finished_at as loaded_at,
    succeeded.finished_at as succeeded_at,
    newest.loaded_rows as rows,
    newest.requests,
    newest.throttled,
    newest.retries,
    newest.waited_seconds,
    newest.seconds,
    newest.outdated_rows,
    newest.repeated_rows,
    newest.unknown_fields,
    newest.notes,
    newest.failure,
    failures.failure as last_error,
    failures.finished_at as last_error_at
from newest
left join raw._ingest_cursor as cursors on cursors.shop_id = newest.shop_id and cursors.stream = newest.stream
left join succeeded on succeeded.shop_id = newest.shop_id and succeeded.stream = newest.stream
left join
    failures on failures.shop_id = newest.shop_id and failures.stream = newest.stream and failures.recency = 1
order by newest.stream
