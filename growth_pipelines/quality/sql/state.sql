create table if not exists raw._quality_file (
    table_name varchar not null,
    file_id varchar not null,
    run_id varchar not null,
    accepted_at timestamp not null
);

create table if not exists raw._quality_results (
    run_id varchar not null,
    judged_at timestamp not null,
    table_name varchar not null,
    expectation varchar not null,
    dimension varchar not null,
    severity varchar not null,
    passed boolean not null,
    observed varchar,
    why varchar,
    checked_rows bigint,
    unexpected_rows bigint,
    examples varchar
);

create table if not exists raw._quality_batch (
    run_id varchar not null,
    judged_at timestamp not null,
    table_name varchar not null,
    batch_rows bigint,
    total_rows bigint
);
