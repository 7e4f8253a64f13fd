-- The products that the API told; those of an export have ids of their own making.
select handle from raw.products where shop_id = ? and handle is not null and product_id not like 'export:%'
