-- The landing files of a table's rows that its suite has not accepted yet, with their rows.
select _file_id, count(*) as rows
from {table} as landed
where
    _file_id is not null
    and not exists (
        select 1
        from raw._quality_file as accepted
        where accepted.table_name = ? and accepted.file_id = landed._file_id
    )
group by _file_id
order by _file_id
