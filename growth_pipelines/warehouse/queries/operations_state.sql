-- Up to which event of the store's audit chain the raw tables hold its rows, and how the copy was made.
create table if not exists raw._store_copied (shape varchar, seq bigint, event_id varchar)
