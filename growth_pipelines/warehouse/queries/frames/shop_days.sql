-- The shop as a whole on its complete days: what was sold, who came, and how it was found. Null where not known.
with
    visits as (
        select shop_id, date_day, sum(sessions) as sessions
        from marts.fct_sessions_daily
        group by shop_id, date_day
    ),

    ranks as (
        select
            shop_id,
            date_day,
            cast(sum(position_x100_impr) as double precision) / nullif(
                100 * sum(case when position_x100_impr is not null then search_impressions end), 0
            ) as position
        from marts.fct_page_daily
        group by shop_id, date_day
    )

select
    days.date_day,
    days.orders,
    cast(days.net_cents as double precision) / shops.minor_units as net_sales,
    cast(days.refund_cents as double precision) / shops.minor_units as refunds,
    visits.sessions,
    search.property_clicks as clicks,
    search.property_impressions as impressions,
    ranks.position
from marts.fct_shop_daily as days
join marts.dim_shops as shops on shops.shop_id = days.shop_id
left join visits on visits.shop_id = days.shop_id and visits.date_day = days.date_day
left join
    marts.fct_search_totals_daily as search on search.shop_id = days.shop_id and search.date_day = days.date_day
left join ranks on ranks.shop_id = days.shop_id and ranks.date_day = days.date_day
where days.is_complete and days.date_day < cast(? as date) and days.date_day >= cast(? as date) - 400
order by days.date_day
