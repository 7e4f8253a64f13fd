-- The titles and descriptions that search engines show of the shop's pages.
select effective_title, effective_description from marts.dim_pages order by page_key
