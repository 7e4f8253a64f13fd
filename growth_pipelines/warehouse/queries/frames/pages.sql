select * from marts.dim_pages order by page_key
