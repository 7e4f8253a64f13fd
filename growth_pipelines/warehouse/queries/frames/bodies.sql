-- Only pages with a part that may be written: texts are long.
select * from marts.dim_page_bodies order by page_key
