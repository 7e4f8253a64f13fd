with
    newest as (
        select scope, target, form_factor, max(period_end) as period_end
        from raw.crux_history
        where shop_id = ?
        group by scope, target, form_factor
    ),
    present as (select distinct scope, target, form_factor from raw.crux_records where shop_id = ? and found)
select present.scope, present.target, present.form_factor
from present
left join
    newest
    on newest.scope = present.scope
    and newest.target = present.target
    and newest.form_factor = present.form_factor
where newest.period_end is null or newest.period_end < ? or newest.period_end > ?
order by present.scope, present.target, present.form_factor
