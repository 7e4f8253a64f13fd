with
    source as (select * from {{ source("raw", "growth_experiment_metrics") }}),

    renamed as (select shop_id, experiment_id, unit_id, metric, date as date_day, value from source)

select *
from renamed
