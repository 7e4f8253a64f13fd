-- One row a page of dim_pages, whether anybody visited it or not. How well a page sells is known from little, and
-- from
-- more than the window: see int_page_conversion. Its order value is shrunk as if it had ten orders more of the
-- shop's.
{% set pseudo_orders = 10 %}
{% set search = ["clicks", "impressions", "position_x100_impr"] %}
with
    -- phones decide; a page without field data of its own shows the origin's, and says so
    vitals as (
        select
            shop_id,
            scope,
            page_key,
            max(case when metric = 'lcp' then p75 end) as lcp_p75_ms,
            max(case when metric = 'inp' then p75 end) as inp_p75_ms,
            max(case when metric = 'cls' then p75 end) as cls_p75
        from {{ ref("int_web_vitals") }}
        where is_latest and form_factor = 'phone' and metric in ('lcp', 'inp', 'cls')
        group by 1, 2, 3
    ),

    -- what each query of a page should bring at its position
    expected as (
        select
            pairs.shop_id,
            pairs.page_key,
            sum({{ expected_clicks("pairs.impressions", "pairs.position_x100_impr") }}) as clicks
        from {{ ref("int_search_pairs") }} as pairs
        join
            {{ ref("fct_ctr_curve") }} as curve
            on curve.shop_id = pairs.shop_id
            and curve.position_bucket = {{ ctr_bucket("pairs.impressions", "pairs.position_x100_impr") }}
        where not pairs.is_brand and pairs.impressions > 0
        group by 1, 2
    ),

    joined as (
        select
            pages.shop_id,
            pages.page_key,
            pages.page_type,
            pages.margin_rate,
            shops.currency,
            shops.window_start,
            shops.window_end,
            shops.prior_start,
            shops.prior_end,
            shops.last_year_start,
            shops.last_year_end,
            shops.conversion_basis,
            shops.conversion_rate as shop_conversion_rate,
            shops.aov_cents as shop_aov_cents,
            coalesce(conversion.relative_rate, 1.0) as relative_rate,
            coalesce(conversion.known_from_orders, 1.0) as known_from_orders,
            coalesce(conversion.orders, 0) as known_orders,
            coalesce(conversion.net_cents, 0) as known_net_cents,
            {% for measure in search + ["sessions", "orders", "net_cents"] %}
                coalesce(measured.{{ measure }}, 0) as {{ measure }},
                coalesce(measured.prior_{{ measure }}, 0) as prior_{{ measure }},
            {% endfor %}
            {% for measure in search %}
                coalesce(measured.nonbrand_{{ measure }}, 0) as nonbrand_{{ measure }},
                coalesce(measured.prior_nonbrand_{{ measure }}, 0) as prior_nonbrand_{{ measure }},
                case
                    when shops.has_search_last_year then coalesce(measured.last_year_{{ measure }}, 0)
                end as last_year_{{ measure }},
            {% endfor %}
            shops.has_sessions_prior,
            case
                when shops.has_sessions_last_year then coalesce(measured.last_year_sessions, 0)
            end as last_year_sessions,
            {% for measure in ["orders", "net_cents"] %}
                case
                    when shops.has_orders_last_year then coalesce(measured.last_year_{{ measure }}, 0)
                end as last_year_{{ measure }},
            {% endfor %}
            coalesce(expected.clicks, 0) as expected_clicks,
            case
                when shops.conversion_basis = 'sessions'
                then coalesce(measured.sessions, 0)
                else coalesce(measured.clicks, 0)
            end as visits,
            case when field.page_key is not null then field.lcp_p75_ms else origin.lcp_p75_ms end as lcp_p75_ms,
            case when field.page_key is not null then field.inp_p75_ms else origin.inp_p75_ms end as inp_p75_ms,
            case when field.page_key is not null then field.cls_p75 else origin.cls_p75 end as cls_p75,
            case
                when field.page_key is not null then 'page' when origin.shop_id is not null then 'origin'
            end as vitals_scope
        from {{ ref("dim_pages") }} as pages
        join {{ ref("int_shop_windows") }} as shops on shops.shop_id = pages.shop_id
        left join
            {{ ref("int_page_windows") }} as measured
            on measured.shop_id = pages.shop_id
            and measured.page_key = pages.page_key
        left join
            {{ ref("int_page_conversion") }} as conversion
            on conversion.shop_id = pages.shop_id
            and conversion.page_key = pages.page_key
        left join expected on expected.shop_id = pages.shop_id and expected.page_key = pages.page_key
        left join
            vitals as field
            on field.shop_id = pages.shop_id
            and field.page_key = pages.page_key
            and field.scope = 'page'
        left join vitals as origin on origin.shop_id = pages.shop_id and origin.scope = 'origin'
    ),

    rated as (
        select
            joined.*,
            shop_conversion_rate * relative_rate as conversion_rate,
            (known_net_cents + {{ pseudo_orders }} * shop_aov_cents)
            / (known_orders + {{ pseudo_orders }}) as aov_cents
        from joined
    ),

    valued as (
        select
            rated.*,
            {{ iround("greatest(expected_clicks - nonbrand_clicks, 0) * conversion_rate * aov_cents") }}
            as missed_net_cents
        from rated
    )

select
    shop_id,
    page_key,
    page_type,
    currency,
    window_start,
    window_end,
    prior_start,
    prior_end,
    last_year_start,
    last_year_end,
    clicks,
    impressions,
    {{ ratio("position_x100_impr", "100 * impressions") }} as avg_position,
    prior_clicks,
    prior_impressions,
    {{ ratio("prior_position_x100_impr", "100 * prior_impressions") }} as prior_avg_position,
    last_year_clicks,
    last_year_impressions,
    {{ ratio("last_year_position_x100_impr", "100 * last_year_impressions") }} as last_year_avg_position,
    nonbrand_clicks,
    nonbrand_impressions,
    {{ ratio("nonbrand_position_x100_impr", "100 * nonbrand_impressions") }} as nonbrand_avg_position,
    prior_nonbrand_clicks,
    prior_nonbrand_impressions,
    {{ ratio("prior_nonbrand_position_x100_impr", "100 * prior_nonbrand_impressions") }}
    as prior_nonbrand_avg_position,
    expected_clicks,
    expected_clicks - nonbrand_clicks as missed_clicks,
    case when conversion_basis = 'sessions' then sessions end as sessions,
    case when has_sessions_prior then prior_sessions end as prior_sessions,
    last_year_sessions,
    visits,
    orders,
    prior_orders,
    last_year_orders,
    net_cents,
    prior_net_cents,
    last_year_net_cents,
    conversion_rate,
    known_from_orders,
    conversion_basis,
    aov_cents,
    case when conversion_basis = 'sessions' then {{ ratio("net_cents", "sessions") }} end as net_cents_per_session,
    margin_rate,
    lcp_p75_ms,
    inp_p75_ms,
    cls_p75,
    vitals_scope,
    missed_net_cents,
    case
        when missed_net_cents > 0
        then
            row_number() over (
                partition by shop_id order by coalesce(missed_net_cents, 0) desc, impressions desc, page_key
            )
    end as priority
from valued
