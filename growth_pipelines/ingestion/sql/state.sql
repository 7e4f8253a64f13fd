create schema if not exists raw;

create table if not exists raw._ingest_cursor (
    shop_id varchar not null,
    stream varchar not null,
    window_start timestamp,
    position timestamp,
    run_id varchar,
    updated_at timestamp
);

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
