-- A customer is known by the file that told of it: orders tell too little of one to count here.
select customer_key, _file_id like 'customer_export/%' as exported
from raw.customers
where shop_id = ? and (_file_id like 'customers/%' or _file_id like 'customer_export/%')
