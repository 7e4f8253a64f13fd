with
    source as (select * from {{ source("raw", "sessions_daily") }}),

    renamed as (select shop_id, date as date_day, landing_path, sessions from source)

select *
from renamed
