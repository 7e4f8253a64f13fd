-- The newest lab run of each page and strategy.
select * from marts.fct_lab_runs where is_latest order by page_key, strategy
