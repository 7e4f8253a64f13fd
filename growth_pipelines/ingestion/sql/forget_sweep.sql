-- The next read of the stream reads everything, so that what an import added and the shop does not have goes.
update raw._ingest_cursor
set whole_at = null
where shop_id = ? and stream = ?
