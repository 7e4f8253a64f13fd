-- One vital of one page by week and form factor.
select form_factor, period_end, p75
from marts.fct_web_vitals
where scope = 'page' and page_key = ? and metric = ? and is_weekly and p75 is not null
order by form_factor, period_end
