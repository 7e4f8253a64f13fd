with
    source as (select * from {{ source("raw", "web_vitals_beacons") }}),

    renamed as (
        select
            shop_id,
            metric_id,
            metric,
            value,
            rating,
            url as page_url,
            form_factor,
            navigation_type,
            session_key,
            is_landing,
            landing_path,
            received_at,
            local_date as date_day,
            source
        from source
    )

select *
from renamed
