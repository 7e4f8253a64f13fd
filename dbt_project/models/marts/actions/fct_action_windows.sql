{% set measures = [
    "search_clicks",
    "search_impressions",
    "position_x100_impr",
    "sessions",
    "orders",
    "net_cents",
] %}
with
    windows as (select * from {{ ref("int_action_windows") }}),

    measured as (
        select
            windows.shop_id,
            windows.action_id,
            windows.horizon_days
            {%- for measure in measures %}
                ,
                {{ isum("case when days.date_day <= windows.pre_end then days." ~ measure ~ " end") }}
                as pre_{{ measure }},
                {{ isum("case when days.date_day >= windows.post_start then days." ~ measure ~ " end") }}
                as post_{{ measure }}
            {%- endfor %}
        from windows
        join
            {{ ref("int_page_days") }} as days
            on days.shop_id = windows.shop_id
            and days.page_key = windows.page_key
            and days.date_day between windows.pre_start and windows.post_end
        group by 1, 2, 3
    )

select
    windows.shop_id,
    windows.action_id,
    windows.horizon_days,
    windows.page_key,
    windows.executed_on,
    windows.pre_start,
    windows.pre_end,
    windows.post_start,
    windows.post_end,
    windows.is_over and coalesce(windows.post_end <= shop_windows.window_end, false) as is_complete,
    windows.is_rolled_back,
    windows.overlapping_actions,
    windows.overlapping_actions > 0 as is_overlapping
    {%- for measure in measures %}
        ,
        coalesce(measured.pre_{{ measure }}, 0) as pre_{{ measure }},
        coalesce(measured.post_{{ measure }}, 0) as post_{{ measure }}
    {%- endfor %},
    shops.currency
from windows
left join {{ ref("int_windows") }} as shop_windows on shop_windows.shop_id = windows.shop_id
left join {{ ref("int_shops") }} as shops on shops.shop_id = windows.shop_id
left join
    measured
    on measured.shop_id = windows.shop_id
    and measured.action_id = windows.action_id
    and measured.horizon_days = windows.horizon_days
