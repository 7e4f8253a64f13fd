select * from marts.dim_products order by product_id
