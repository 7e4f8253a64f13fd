select schema_name || '.' || table_name as name, estimated_size as row_count
from duckdb_tables()
where schema_name in ('staging', 'intermediate', 'marts')
