-- How far each page's newest p75 is over the "good" threshold of its metric, or over the best period of
-- its history.
with
    thresholds as (
        select 'lcp' as metric, 2500.0 as good
        union all
        select 'inp' as metric, 200.0 as good
        union all
        select 'cls' as metric, 0.1 as good
    ),
    newest as (
        select target, form_factor, metric, p75, period_end
        from raw.crux_records
        where shop_id = ? and scope = 'page' and found
    ),
    before as (
        select target, form_factor, metric, min(p75) as p75
        from raw.crux_history
        where shop_id = ? and scope = 'page'
        group by target, form_factor, metric
    ),
    judged as (
        select
            newest.target as url,
            newest.form_factor,
            max(newest.p75 / thresholds.good) as over_good,
            max(case when before.p75 > 0 then newest.p75 / before.p75 end) as over_before
        from newest
        join thresholds on thresholds.metric = newest.metric
        left join
            before
            on before.target = newest.target
            and before.form_factor = newest.form_factor
            and before.metric = newest.metric
        group by newest.target, newest.form_factor
    ),
    lately as (select distinct url, strategy from raw.psi_runs where shop_id = ? and fetched_at > ?)
select judged.url, judged.form_factor
from judged
left join
    lately
    on lately.url = judged.url
    and lately.strategy = case when judged.form_factor = 'phone' then 'mobile' else 'desktop' end
where lately.url is null and (judged.over_good > 1 or judged.over_before > 1.25)
order by case when judged.over_good > 1 then 0 else 1 end, judged.over_good desc, judged.url, judged.form_factor
limit ?
