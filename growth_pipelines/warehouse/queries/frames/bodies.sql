-- Only pages with a part that may be written or taken over: texts are long.
select * from marts.dim_page_bodies order by page_key
