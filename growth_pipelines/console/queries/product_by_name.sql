select product_id from marts.dim_products where product_id = ? or handle = ? order by product_id limit 1
