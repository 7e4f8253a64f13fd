with
    source as (select * from {{ source("raw", "growth_experiment_variants") }}),

    renamed as (select shop_id, experiment_id, variant, weight, is_control from source)

select *
from renamed
