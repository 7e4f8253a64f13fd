-- Some columns of the rows of some landing files; of a large file every so-manieth line.
select {columns}, _file_id, _line from {table} where _file_id in ({files}) and coalesce(_line, 0) % ? = ?
