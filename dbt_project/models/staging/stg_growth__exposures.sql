with
    source as (select * from {{ source("raw", "growth_exposures") }}),

    renamed as (
        select shop_id, exposure_id, experiment_id, unit_id, variant, exposed_at, local_date as date_day
        from source
    )

select *
from renamed
