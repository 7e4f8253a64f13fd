-- How many rows a table has and in how many each column is filled, those that the newest run loaded apart.
select _loaded_at >= ? as is_new, count(*) as rows, {filled} from {table} where shop_id = ? group by 1
