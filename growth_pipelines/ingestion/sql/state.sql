create schema if not exists raw;

create table if not exists raw._ingest_cursor (
    shop_id varchar not null,
    stream varchar not null,
    window_start timestamp,
    position timestamp,
    run_id varchar,
    updated_at timestamp
);

alter table raw._ingest_cursor add column if not exists whole_at timestamp;

alter table raw._ingest_cursor add column if not exists history_from date;

alter table raw._ingest_cursor add column if not exists history_reason varchar;

create table if not exists raw._ingest_run (
    run_id varchar not null,
    shop_id varchar,
    stream varchar not null,
    status varchar not null,
    window_start timestamp,
    window_end timestamp,
    started_at timestamp,
    finished_at timestamp,
    requests bigint,
    loaded_rows bigint,
    received_bytes bigint,
    throttled bigint,
    retries bigint,
    seconds double precision,
    api_version varchar,
    notes varchar,
    failure varchar
);

alter table raw._ingest_run add column if not exists waited_seconds double precision;

alter table raw._ingest_run add column if not exists outdated_rows bigint;

alter table raw._ingest_run add column if not exists repeated_rows bigint;

alter table raw._ingest_run add column if not exists unknown_fields varchar;

alter table raw._ingest_run add column if not exists table_rows varchar;

create table if not exists raw._ingest_file (
    file_id varchar not null,
    shop_id varchar not null,
    stream varchar not null,
    sha256 varchar not null,
    lines bigint,
    bytes bigint,
    window_start timestamp,
    window_end timestamp,
    landed_at timestamp,
    loaded_at timestamp
);

alter table raw._ingest_file add column if not exists request varchar;

alter table raw._ingest_file add column if not exists api_version varchar;

alter table raw._ingest_file add column if not exists whole boolean;
