-- The whole shop's Core Web Vitals of phones, newest period.
select metric, period_start, period_end, p75
from marts.fct_web_vitals
where scope = 'origin' and form_factor = 'phone' and is_latest
order by metric
