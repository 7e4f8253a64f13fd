with
    source as (select * from {{ source("raw", "sessions_daily") }}),

    -- The source has a row a kind of device.
    renamed as (
        select shop_id, date as date_day, landing_path, cast(sum(sessions) as bigint) as sessions
        from source
        group by shop_id, date, landing_path
    )

select *
from renamed
