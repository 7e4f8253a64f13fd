select experiment_id, variant, count(*) as units
from marts.fct_experiment_exposures
where is_valid
group by 1, 2
order by 1, 2
