-- What is too old to judge by, and an earlier measurement of the same run.
delete from raw._ingest_profile where shop_id = ? and (measured_at < ? or (table_name = ? and measured_at = ?))
