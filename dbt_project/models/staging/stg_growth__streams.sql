with
    source as (select * from {{ source("raw", "_streams") }}),

    renamed as (select stream, source, nullif(timezone, '') as timezone from source)

select *
from renamed
