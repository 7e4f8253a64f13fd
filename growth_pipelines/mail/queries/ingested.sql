-- Whether anything was ever ingested: the table of runs is there.
select count(*) from information_schema.tables where table_schema = 'raw' and table_name = '_ingest_run'
