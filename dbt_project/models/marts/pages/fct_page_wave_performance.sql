-- Pages that came in the same week or month, followed from then on to the end of the newest window. The first
-- wave is
-- that of the first whole period of search figures: nobody knows how old what was there before is, and its
-- beginnings
-- are in no figure.
{% set grains = ["week", "month"] %}
{% set measures = ["clicks", "impressions", "sessions", "orders", "net_cents"] %}
with
    members as (
        {% for grain in grains %}
            {% set start_of = week_of if grain == "week" else month_of %}
            select
                ages.shop_id,
                windows.currency,
                windows.window_end,
                ages.page_key,
                ages.is_published_known,
                '{{ grain }}' as grain,
                {{ start_of("ages.shipped_day") }} as wave_start,
                {{ start_of("windows.window_end") }} as last_period_start
            from {{ ref("int_page_ages") }} as ages
            join {{ ref("int_windows") }} as windows on windows.shop_id = ages.shop_id
            where
                {{ start_of("ages.shipped_day") }} >= windows.search_first_day
                and ages.shipped_day <= windows.window_end
                {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    waves as (
        select
            shop_id,
            currency,
            window_end,
            grain,
            wave_start,
            last_period_start,
            cast(count(*) as bigint) as pages,
            cast(count(case when is_published_known then 1 end) as bigint) as pages_published_known
        from members
        group by 1, 2, 3, 4, 5, 6
    ),

    triangle as (
        {% for grain in grains %}
            {% set add = "7 * numbers.n" if grain == "week" else "numbers.n" %}
            {% set period_start = (add_days if grain == "week" else add_months)("waves.wave_start", add) %}
            {% set next_start = (add_days if grain == "week" else add_months)(
                "waves.wave_start", add ~ (" + 7" if grain == "week" else " + 1")
            ) %}
            select
                waves.*,
                cast(numbers.n as bigint) as period_index,
                {{ period_start }} as period_start,
                {{ next_start }} <= {{ add_days("waves.window_end", 1) }} as is_complete
            from waves
            join
                {{ whole_numbers(520) }} as numbers
                on waves.grain = '{{ grain }}'
                and {{ period_start }} <= waves.last_period_start
                {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    page_periods as (
        select
            members.shop_id,
            members.grain,
            members.wave_start,
            case
                when members.grain = 'week'
                then {{ week_of("days.date_day") }}
                else {{ month_of("days.date_day") }}
            end as period_start,
            days.page_key,
            {{ isum("days.search_clicks") }} as clicks,
            {{ isum("days.search_impressions") }} as impressions,
            {% for measure in measures[2:] %}
                {{ isum("days." ~ measure) }} as {{ measure }}{{ "," if not loop.last }}
            {% endfor %}
        from members
        join
            {{ ref("int_page_days") }} as days
            on days.shop_id = members.shop_id
            and days.page_key = members.page_key
            and days.date_day <= members.window_end
        group by 1, 2, 3, 4, 5
    ),

    cells as (
        select
            shop_id,
            grain,
            wave_start,
            period_start,
            cast(count(case when impressions > 0 then 1 end) as bigint) as indexed_pages,
            {% for measure in measures %}
                {{ isum(measure) }} as {{ measure }}{{ "," if not loop.last }}
            {% endfor %}
        from page_periods
        group by 1, 2, 3, 4
    )

select
    triangle.shop_id,
    triangle.grain,
    triangle.wave_start,
    triangle.period_index,
    triangle.period_start,
    triangle.is_complete,
    triangle.pages,
    triangle.pages_published_known,
    coalesce(cells.indexed_pages, 0) as indexed_pages,
    {% for measure in measures %} coalesce(cells.{{ measure }}, 0) as {{ measure }}, {% endfor %}
    triangle.currency,
    {{ ratio("coalesce(cells.indexed_pages, 0)", "triangle.pages") }} as indexed_share,
    {{ ratio("coalesce(cells.clicks, 0)", "triangle.pages") }} as clicks_per_page,
    {{ ratio("cells.clicks", "cells.impressions") }} as ctr
from triangle
left join
    cells
    on cells.shop_id = triangle.shop_id
    and cells.grain = triangle.grain
    and cells.wave_start = triangle.wave_start
    and cells.period_start = triangle.period_start
