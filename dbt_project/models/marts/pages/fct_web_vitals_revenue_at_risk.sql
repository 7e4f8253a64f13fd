-- What the next better rating of a page would be worth in 28 days: visits × multiplier × conversion rate × order
-- value.
with
    latest as (select * from {{ ref("fct_web_vitals") }} where is_latest and metric in ('lcp', 'inp', 'cls')),

    measured as (select distinct shop_id, page_key, form_factor from latest where scope = 'page'),

    -- a page without field data of its own on this kind of device shows the origin's, and says so
    targets as (
        select
            visits.shop_id,
            visits.page_key,
            visits.form_factor,
            visits.visits,
            visits.visits_basis,
            case when measured.shop_id is null then 'origin' else 'page' end as scope,
            case when measured.shop_id is not null then visits.page_key end as measured_page_key
        from {{ ref("int_page_form_factors") }} as visits
        left join
            measured
            on measured.shop_id = visits.shop_id
            and measured.page_key = visits.page_key
            and measured.form_factor = visits.form_factor
    ),

    at_risk as (
        select
            targets.shop_id,
            targets.page_key,
            targets.form_factor,
            latest.metric,
            targets.scope,
            latest.period_end,
            latest.p75,
            latest.rating,
            case when latest.rating = 'poor' then 'needs-improvement' else 'good' end as better_rating,
            targets.visits,
            targets.visits_basis,
            targets.visits < 30 as is_low_signal,
            multipliers.multiplier,
            targets.visits * multipliers.multiplier as extra_sessions
        from targets
        join
            latest
            on latest.shop_id = targets.shop_id
            and latest.scope = targets.scope
            and latest.form_factor = targets.form_factor
            and coalesce(latest.page_key, '') = coalesce(targets.measured_page_key, '')
        join
            {{ ref("vitals_multipliers") }} as multipliers
            on multipliers.metric = latest.metric
            and multipliers.rating = latest.rating
    )

select
    at_risk.shop_id,
    at_risk.page_key,
    at_risk.form_factor,
    at_risk.metric,
    at_risk.scope,
    at_risk.period_end,
    at_risk.p75,
    at_risk.rating,
    at_risk.better_rating,
    at_risk.visits,
    at_risk.visits_basis,
    at_risk.is_low_signal,
    at_risk.multiplier,
    at_risk.extra_sessions,
    pages.currency,
    pages.conversion_rate,
    pages.aov_cents,
    {{ iround("at_risk.extra_sessions * pages.conversion_rate * pages.aov_cents") }} as revenue_at_risk_cents
from at_risk
join
    {{ ref("fct_page_performance") }} as pages
    on pages.shop_id = at_risk.shop_id
    and pages.page_key = at_risk.page_key
