"""The analytical tables: DuckDB by default, PostgreSQL by one setting; written by ingestion and dbt only."""
