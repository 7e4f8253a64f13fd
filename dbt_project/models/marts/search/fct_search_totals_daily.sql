with
    pages as (
        select
            shop_id,
            date_day,
            {{ isum("clicks") }} as clicks,
            {{ isum("impressions") }} as impressions,
            {{ isum("visible_clicks") }} as visible_clicks,
            {{ isum("visible_impressions") }} as visible_impressions
        from {{ ref("fct_search_hidden_daily") }}
        group by shop_id, date_day
    )

select
    property.shop_id,
    property.date_day,
    property.clicks as property_clicks,
    property.impressions as property_impressions,
    pages.clicks as pages_clicks,
    pages.impressions as pages_impressions,
    pages.visible_clicks,
    pages.visible_impressions,
    pages.clicks - pages.visible_clicks as hidden_clicks,
    pages.impressions - pages.visible_impressions as hidden_impressions
from {{ ref("stg_search_console__property_daily") }} as property
left join pages on pages.shop_id = property.shop_id and pages.date_day = property.date_day
