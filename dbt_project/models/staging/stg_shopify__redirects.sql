with
    source as (select * from {{ source("raw", "redirects") }}),

    renamed as (select shop_id, redirect_id, path, target from source)

select *
from renamed
