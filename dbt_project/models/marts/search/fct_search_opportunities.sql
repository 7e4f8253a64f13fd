-- Where clicks are missing: non-brand queries of a page over the newest 28 complete days, or lost since the 28
-- before.
-- Pairs seen less than ten times in both windows are left out: nine in ten rows, and nothing could be said of
-- them.
{% set least_impressions = 10 %}
with
    pairs as (
        select
            pairs.*,
            {{ ratio("pairs.position_x100_impr", "100 * pairs.impressions") }} as avg_position,
            {{ ratio("pairs.prior_position_x100_impr", "100 * pairs.prior_impressions") }} as prior_avg_position
        from {{ ref("int_search_pairs") }} as pairs
        where
            not pairs.is_brand and greatest(pairs.impressions, pairs.prior_impressions) >= {{ least_impressions }}
    ),

    rivals as (
        select shop_id, query, max(competing_pages) as competing_pages
        from {{ ref("int_search_rivals") }}
        group by 1, 2
    ),

    expected as (
        select
            pairs.*,
            windows.window_start,
            windows.window_end,
            coalesce({{ expected_clicks("pairs.impressions", "pairs.position_x100_impr") }}, 0) as expected_clicks,
            coalesce(rivals.competing_pages, 1) as competing_pages
        from pairs
        join {{ ref("int_windows") }} as windows on windows.shop_id = pairs.shop_id
        left join
            {{ ref("fct_ctr_curve") }} as curve
            on curve.shop_id = pairs.shop_id
            and curve.position_bucket = {{ ctr_bucket("pairs.impressions", "pairs.position_x100_impr") }}
        left join rivals on rivals.shop_id = pairs.shop_id and rivals.query = pairs.query
    )

select
    shop_id,
    page_key,
    query,
    window_start,
    window_end,
    clicks,
    impressions,
    {{ ratio("clicks", "impressions") }} as ctr,
    avg_position,
    expected_clicks,
    expected_clicks - clicks as missed_clicks,
    prior_clicks,
    prior_impressions,
    prior_avg_position,
    clicks - prior_clicks as click_change,
    avg_position - prior_avg_position as position_change,
    coalesce(avg_position between 4 and 15, false) as is_striking_distance,
    -- at least five clicks and a fifth of them gone, and with a worse position: not merely asked for less
    prior_clicks - clicks >= 5
    and 5 * (prior_clicks - clicks) >= prior_clicks
    and (impressions = 0 or avg_position > prior_avg_position) as is_decaying,
    competing_pages
from expected
