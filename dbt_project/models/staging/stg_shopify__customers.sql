with
    source as (select * from {{ source("raw", "customers") }}),

    renamed as (select shop_id, customer_key, country, created_at, updated_at from source)

select *
from renamed
