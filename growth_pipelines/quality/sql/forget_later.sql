-- Remove the results of some expectations (table and name) from some moment on.
delete from raw._quality_results where judged_at >= ? and concat(table_name, ' ', expectation) in ({names})
