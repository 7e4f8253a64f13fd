-- Up to when (UTC) orders have been read; a quiet day without an order is not a late one.
select max(position) from raw._ingest_cursor where stream = 'orders'
