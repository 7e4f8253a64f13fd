with
    source as (select * from {{ source("raw", "_build") }}),

    renamed as (select as_of, timezone, currency from source)

select *
from renamed
