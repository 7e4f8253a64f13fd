-- Queries for which several pages split the impressions or take turns. Who leads is told day by day: of the
-- competing
-- pages shown, the one at the best position.
with
    rivals as (select * from {{ ref("int_search_rivals") }}),

    days as (
        select
            facts.shop_id,
            facts.query,
            facts.page_key,
            facts.date_day,
            row_number() over (
                partition by facts.shop_id, facts.query, facts.date_day
                order by
                    {{ ratio("facts.position_x100_impr", "100 * facts.impressions") }},
                    facts.impressions desc,
                    facts.page_key
            ) as place
        from {{ ref("fct_search_query_page_daily") }} as facts
        join {{ ref("int_windows") }} as windows on windows.shop_id = facts.shop_id
        join
            rivals
            on rivals.shop_id = facts.shop_id
            and rivals.query = facts.query
            and rivals.page_key = facts.page_key
        where facts.date_day between windows.window_start and windows.window_end and facts.impressions > 0
    ),

    leaders as (
        select
            shop_id,
            query,
            page_key,
            lag(page_key) over (partition by shop_id, query order by date_day) as leader_before
        from days
        where place = 1
    ),

    turns as (
        select
            shop_id,
            query,
            cast(count(*) as bigint) as query_days,
            cast(count(case when leader_before <> page_key then 1 end) as bigint) as lead_changes
        from leaders
        group by 1, 2
    ),

    shown as (
        select
            shop_id,
            query,
            page_key,
            cast(count(*) as bigint) as days_shown,
            cast(count(case when place = 1 then 1 end) as bigint) as days_leading
        from days
        group by 1, 2, 3
    ),

    joined as (
        select
            rivals.*,
            {{ ratio("rivals.position_x100_impr", "100 * rivals.impressions") }} as avg_position,
            turns.query_days,
            turns.lead_changes,
            shown.days_shown,
            shown.days_leading
        from rivals
        join turns on turns.shop_id = rivals.shop_id and turns.query = rivals.query
        join
            shown
            on shown.shop_id = rivals.shop_id
            and shown.query = rivals.query
            and shown.page_key = rivals.page_key
    )

select
    shop_id,
    query,
    page_key,
    page_rank,
    competing_pages,
    clicks,
    impressions,
    avg_position,
    {{ ratio("impressions", "query_impressions") }} as impression_share,
    {{ ratio("clicks", "query_clicks") }} as click_share,
    query_clicks,
    query_impressions,
    max(avg_position) over (partition by shop_id, query)
    - min(avg_position) over (partition by shop_id, query) as position_spread,
    days_shown,
    days_leading,
    query_days,
    lead_changes,
    -- the lead changes at least once a week
    case when 7 * lead_changes >= query_days and lead_changes > 0 then 'turns' else 'split' end as pattern
from joined
