-- Sessions that beacons tell, for shops of which Shopify tells none. They miss visitors who block scripts or ask
-- not to
-- be measured.
with
    numbered as (
        select
            beacons.shop_id,
            beacons.date_day,
            beacons.landing_path,
            case
                when beacons.form_factor = 'phone' then 'mobile' else coalesce(beacons.form_factor, 'unknown')
            end as device,
            shops.as_of,
            row_number() over (
                partition by beacons.shop_id, beacons.session_key
                order by beacons.received_at, beacons.metric_id, beacons.metric
            ) as place
        from {{ ref("stg_rum__beacons") }} as beacons
        join {{ ref("int_shops") }} as shops on shops.shop_id = beacons.shop_id
        left join
            (select distinct shop_id from {{ ref("stg_shopify__sessions_daily") }}) as readable
            on readable.shop_id = beacons.shop_id
        where readable.shop_id is null and beacons.session_key is not null and beacons.landing_path is not null
    )

-- a session counts on the day and the page on which it began; today is not over
select shop_id, date_day, landing_path, device, cast(count(*) as bigint) as sessions
from numbered
where place = 1 and date_day < as_of
group by shop_id, date_day, landing_path, device
