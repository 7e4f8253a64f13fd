with
    changes as (
        select *
        from {{ ref("int_growth_calendar") }}
        union all
        select
            shop_id,
            'rolling' as grain,
            period_start,
            new_customers,
            resurrected_customers,
            churned_customers,
            new_cents,
            resurrected_cents,
            expansion_cents,
            contraction_cents,
            churned_cents
        from {{ ref("int_growth_rolling") }}
    ),

    periods as (
        select distinct
            shop_id, 'week' as grain, date_week as period_start, {{ add_days("date_week", 7) }} as next_start
        from {{ ref("int_calendar") }}
        union all
        select distinct shop_id, grains.grain, date_month, {{ add_months("date_month", 1) }}
        from {{ ref("int_calendar") }}
        cross join
            (
                select 'month' as grain
                union all
                select 'rolling'
            ) as grains
    ),

    firsts as (select shop_id, grain, min(period_start) as first_start from changes group by 1, 2),

    dense as (
        select
            periods.shop_id,
            periods.grain,
            periods.period_start,
            periods.next_start
            {% for measure in [
                "new_customers",
                "resurrected_customers",
                "churned_customers",
                "new_cents",
                "resurrected_cents",
                "expansion_cents",
                "contraction_cents",
                "churned_cents",
            ] %}, coalesce(changes.{{ measure }}, 0) as {{ measure }} {% endfor %}
        from periods
        join
            firsts
            on firsts.shop_id = periods.shop_id
            and firsts.grain = periods.grain
            and firsts.first_start <= periods.period_start
        left join
            changes
            on changes.shop_id = periods.shop_id
            and changes.grain = periods.grain
            and changes.period_start = periods.period_start
    ),

    running as (
        select
            *,
            cast(
                sum(new_customers + resurrected_customers - churned_customers) over (
                    partition by shop_id, grain order by period_start
                ) as bigint
            ) as active_customers,
            cast(
                sum(new_cents + resurrected_cents + expansion_cents - contraction_cents - churned_cents) over (
                    partition by shop_id, grain order by period_start
                ) as bigint
            ) as net_cents
        from dense
    )

select
    running.shop_id,
    running.grain,
    running.period_start,
    {{ add_days("running.next_start", -1) }} as period_end,
    running.next_start <= shops.as_of as is_complete,
    running.new_customers,
    running.active_customers - running.new_customers - running.resurrected_customers as retained_customers,
    running.resurrected_customers,
    running.churned_customers,
    running.active_customers,
    running.new_cents,
    running.net_cents - running.new_cents - running.resurrected_cents as retained_cents,
    running.resurrected_cents,
    running.expansion_cents,
    running.contraction_cents,
    running.churned_cents,
    running.net_cents,
    {{ ratio("running.new_customers + running.resurrected_customers", "running.churned_customers") }}
    as quick_ratio_customers,
    {{
        ratio(
            "running.new_cents + running.resurrected_cents + running.expansion_cents",
            "running.contraction_cents + running.churned_cents",
        )
    }} as quick_ratio_revenue,
    coverage.history_starts_on,
    shops.currency
from running
join {{ ref("int_shops") }} as shops on shops.shop_id = running.shop_id
left join
    {{ ref("dim_data_coverage") }} as coverage
    on coverage.shop_id = running.shop_id
    and coverage.stream = 'orders'
    and coverage.history_note is not null
