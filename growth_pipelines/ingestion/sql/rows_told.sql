-- The rows of a table that the files of a stream told, as far as they fall into what is compared.
select count(*) as rows from {table} where shop_id = ? and _file_id like ? and {bounds}
