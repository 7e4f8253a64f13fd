-- The shop's usual click rate by position.
select position_bucket, ctr from marts.fct_ctr_curve order by position_bucket
