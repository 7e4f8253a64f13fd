-- One row a page of dim_pages, whether anybody visited it or not. Rates of pages with few visits say little, so
-- they are shrunk: as if the page had 200 visits more that behaved like the shop's average, and ten orders of its
-- value.
{% set pseudo_visits = 200 %}
{% set pseudo_orders = 10 %}
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

    joined as (
        select
            pages.shop_id,
            pages.page_key,
            pages.page_type,
            products.margin_rate,
            shops.window_start,
            shops.window_end,
            shops.prior_start,
            shops.prior_end,
            shops.conversion_basis,
            shops.conversion_rate as shop_conversion_rate,
            shops.placed_rate as shop_placed_rate,
            shops.aov_cents as shop_aov_cents,
            {% for measure in [
                "clicks",
                "impressions",
                "position_x100_impr",
                "prior_clicks",
                "prior_impressions",
                "prior_position_x100_impr",
                "nonbrand_clicks",
                "nonbrand_impressions",
                "nonbrand_position_x100_impr",
                "prior_nonbrand_clicks",
                "prior_nonbrand_impressions",
                "prior_nonbrand_position_x100_impr",
                "sessions",
                "orders",
                "net_cents",
            ] %}
                coalesce(measured.{{ measure }}, 0) as {{ measure }},
            {% endfor %}
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
            {{ ref("int_product_prices") }} as products
            on products.shop_id = pages.shop_id
            and products.product_id = pages.resource_gid
        left join
            vitals as field
            on field.shop_id = pages.shop_id
            and field.page_key = pages.page_key
            and field.scope = 'page'
        left join vitals as origin on origin.shop_id = pages.shop_id and origin.scope = 'origin'
    )

select
    shop_id,
    page_key,
    page_type,
    window_start,
    window_end,
    prior_start,
    prior_end,
    clicks,
    impressions,
    {{ ratio("position_x100_impr", "100 * impressions") }} as avg_position,
    prior_clicks,
    prior_impressions,
    {{ ratio("prior_position_x100_impr", "100 * prior_impressions") }} as prior_avg_position,
    nonbrand_clicks,
    nonbrand_impressions,
    {{ ratio("nonbrand_position_x100_impr", "100 * nonbrand_impressions") }} as nonbrand_avg_position,
    prior_nonbrand_clicks,
    prior_nonbrand_impressions,
    {{ ratio("prior_nonbrand_position_x100_impr", "100 * prior_nonbrand_impressions") }}
    as prior_nonbrand_avg_position,
    case when conversion_basis = 'sessions' then sessions end as sessions,
    visits,
    orders,
    net_cents,
    -- the page's rate relative to the shop's, both over orders whose landing page is known, times the shop's rate
    case
        when coalesce(shop_placed_rate, 0) = 0
        then shop_conversion_rate
        else
            shop_conversion_rate
            / shop_placed_rate
            * (orders + {{ pseudo_visits }} * shop_placed_rate)
            / (visits + {{ pseudo_visits }})
    end as conversion_rate,
    conversion_basis,
    (net_cents + {{ pseudo_orders }} * shop_aov_cents) / (orders + {{ pseudo_orders }}) as aov_cents,
    margin_rate,
    lcp_p75_ms,
    inp_p75_ms,
    cls_p75,
    vitals_scope
from joined
