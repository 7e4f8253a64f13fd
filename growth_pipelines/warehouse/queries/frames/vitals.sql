-- The weekly history; for what has none yet, the newest record.
select vitals.*
from marts.fct_web_vitals as vitals
where
    vitals.is_weekly
    or not exists (
        select 1
        from marts.fct_web_vitals as weekly
        where
            weekly.is_weekly
            and weekly.shop_id = vitals.shop_id
            and weekly.scope = vitals.scope
            and coalesce(weekly.page_key, '') = coalesce(vitals.page_key, '')
            and weekly.form_factor = vitals.form_factor
            and weekly.metric = vitals.metric
    )
order by vitals.page_key, vitals.form_factor, vitals.metric, vitals.period_end
