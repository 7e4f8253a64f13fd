select rows, filled
from raw._ingest_profile
where shop_id = ? and table_name = ? and measured_at >= ? and measured_at < ?
