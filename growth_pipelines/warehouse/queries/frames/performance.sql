select * from marts.fct_page_performance order by page_key
