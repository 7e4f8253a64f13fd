-- How filled the columns of the rows of past runs were: {column: rows in which it is filled}, as JSON.
create table if not exists raw._ingest_profile (
    shop_id varchar not null,
    table_name varchar not null,
    measured_at timestamp not null,
    rows bigint not null,
    filled varchar not null
)
