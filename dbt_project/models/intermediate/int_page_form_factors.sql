-- Visits of a page in the newest window by kind of device: sessions where they and their devices are known, else
-- search
-- clicks by the shop's own share of clicks a device (Search Console tells no devices of a page's rows). Tablets,
-- which
-- the field data do not tell apart, are left out.
with
    devices as (
        select
            daily.shop_id,
            urls.page_key,
            case daily.device when 'mobile' then 'phone' when 'desktop' then 'desktop' end as form_factor,
            daily.sessions
        from {{ ref("int_sessions_daily") }} as daily
        join {{ ref("int_windows") }} as windows on windows.shop_id = daily.shop_id
        join
            {{ ref("int_page_urls") }} as urls
            on urls.shop_id = daily.shop_id
            and urls.raw_url = daily.landing_path
        where daily.date_day between windows.window_start and windows.window_end
    ),

    told as (
        select shop_id, page_key, form_factor, {{ isum("sessions") }} as visits
        from devices
        where form_factor is not null
        group by 1, 2, 3
    ),

    shares as (
        select
            search.shop_id,
            case search.device when 'mobile' then 'phone' when 'desktop' then 'desktop' end as form_factor,
            {{ ratio("sum(search.clicks)", "sum(sum(search.clicks)) over (partition by search.shop_id)") }}
            as share_of_clicks
        from {{ ref("stg_search_console__country_device_daily") }} as search
        join {{ ref("int_windows") }} as windows on windows.shop_id = search.shop_id
        where search.date_day between windows.window_start and windows.window_end
        group by 1, 2
    ),

    sources as (
        select
            shops.shop_id, shops.conversion_basis = 'sessions' and exists_told.shop_id is not null as has_devices
        from {{ ref("int_shop_windows") }} as shops
        left join (select distinct shop_id from told) as exists_told on exists_told.shop_id = shops.shop_id
    )

select told.shop_id, told.page_key, told.form_factor, told.visits, 'sessions' as visits_basis
from told
join sources on sources.shop_id = told.shop_id and sources.has_devices
union all
select
    pages.shop_id,
    pages.page_key,
    shares.form_factor,
    {{ iround("pages.clicks * shares.share_of_clicks") }},
    'clicks_proxy'
from {{ ref("int_page_windows") }} as pages
join sources on sources.shop_id = pages.shop_id and not sources.has_devices
join shares on shares.shop_id = pages.shop_id and shares.form_factor is not null
