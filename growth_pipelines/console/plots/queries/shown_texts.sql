select effective_title, effective_description from marts.dim_pages where resource_gid = ? order by page_key limit 1
