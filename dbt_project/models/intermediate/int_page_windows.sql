-- Per page: the newest window, the one before and last year's, of search figures, sessions, orders and sales,
-- and of
-- the two newer ones the non-brand search figures. Pages without any row in the windows are not here.
{% set search = ["clicks", "impressions", "position_x100_impr"] %}
with
    nonbrand as (
        select
            shop_id,
            page_key,
            {% for measure in search %}
                {{ isum(measure) }} as nonbrand_{{ measure }},
                {{ isum("prior_" ~ measure) }} as prior_nonbrand_{{ measure }}{{ "," if not loop.last }}
            {% endfor %}
        from {{ ref("int_search_pairs") }}
        where not is_brand
        group by 1, 2
    ),

    everything as (
        select
            days.shop_id,
            days.page_key,
            {{ window_sum("search_clicks") }} as clicks,
            {{ window_sum("search_impressions") }} as impressions,
            {{ window_sum("position_x100_impr") }} as position_x100_impr,
            {{ prior_sum("search_clicks") }} as prior_clicks,
            {{ prior_sum("search_impressions") }} as prior_impressions,
            {{ prior_sum("position_x100_impr") }} as prior_position_x100_impr,
            {{ last_year_sum("search_clicks") }} as last_year_clicks,
            {{ last_year_sum("search_impressions") }} as last_year_impressions,
            {{ last_year_sum("position_x100_impr") }} as last_year_position_x100_impr,
            {% for measure in ["sessions", "orders", "net_cents"] %}
                {{ window_sum(measure) }} as {{ measure }},
                {{ prior_sum(measure) }} as prior_{{ measure }},
                {{ last_year_sum(measure) }} as last_year_{{ measure }}{{ "," if not loop.last }}
            {% endfor %}
        from {{ ref("int_page_days") }} as days
        join {{ ref("int_windows") }} as windows on windows.shop_id = days.shop_id
        where
            days.date_day between windows.prior_start and windows.window_end
            or days.date_day between windows.last_year_start and windows.last_year_end
        group by 1, 2
    )

select
    coalesce(everything.shop_id, nonbrand.shop_id) as shop_id,
    coalesce(everything.page_key, nonbrand.page_key) as page_key,
    {% for measure in search + ["sessions", "orders", "net_cents"] %}
        coalesce(everything.{{ measure }}, 0) as {{ measure }},
        coalesce(everything.prior_{{ measure }}, 0) as prior_{{ measure }},
        coalesce(everything.last_year_{{ measure }}, 0) as last_year_{{ measure }},
    {% endfor %}
    {% for measure in search %}
        coalesce(nonbrand.nonbrand_{{ measure }}, 0) as nonbrand_{{ measure }},
        coalesce(
            nonbrand.prior_nonbrand_{{ measure }}, 0
        ) as prior_nonbrand_{{ measure }}{{ "," if not loop.last }}
    {% endfor %}
from everything
full outer join nonbrand on nonbrand.shop_id = everything.shop_id and nonbrand.page_key = everything.page_key
