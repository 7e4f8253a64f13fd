-- The last day of which everything is counted, and how many minor units a major one has.
select max(window_end) as last_day, max(minor_units) as minor_units from marts.dim_shops
