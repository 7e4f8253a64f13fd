with source as (select * from {{ source("raw", "_brand_terms") }}), renamed as (select shop_id, term from source)

select *
from renamed
