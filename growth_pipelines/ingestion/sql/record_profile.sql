insert into raw._ingest_profile (shop_id, table_name, measured_at, rows, filled)
values (?, ?, ?, ?, ?)
