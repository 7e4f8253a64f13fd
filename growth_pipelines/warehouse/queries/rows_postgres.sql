select schemaname || '.' || relname as name, n_live_tup as row_count
from pg_stat_user_tables
where schemaname in ('staging', 'intermediate', 'marts')
