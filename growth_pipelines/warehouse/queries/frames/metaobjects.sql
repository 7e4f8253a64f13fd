select * from marts.dim_metaobjects order by type, handle
