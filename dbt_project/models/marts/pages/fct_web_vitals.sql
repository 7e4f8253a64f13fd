select
    vitals.shop_id,
    vitals.page_key,
    vitals.scope,
    vitals.form_factor,
    vitals.metric,
    vitals.period_start,
    vitals.period_end,
    vitals.p75,
    vitals.good_share,
    vitals.needs_improvement_share,
    vitals.poor_share,
    case
        when vitals.p75 <= thresholds.good_to
        then 'good'
        when vitals.p75 <= thresholds.poor_above
        then 'needs-improvement'
        else 'poor'
    end as rating,
    vitals.is_weekly,
    vitals.is_latest
from {{ ref("int_web_vitals") }} as vitals
join {{ ref("vitals_thresholds") }} as thresholds on thresholds.metric = vitals.metric
