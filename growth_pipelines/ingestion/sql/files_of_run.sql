-- The landing files of a stream that were loaded since a moment, those of the newest days first.
select file_id from raw._ingest_file where shop_id = ? and stream = ? and loaded_at >= ? order by file_id desc
