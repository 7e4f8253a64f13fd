-- Pages for which CrUX had nothing, in no form factor, when they were last asked about.
select target
from raw.crux_records
where shop_id = ? and scope = 'page'
group by target
having count(case when found then 1 end) = 0 and max(fetched_at) > ?
