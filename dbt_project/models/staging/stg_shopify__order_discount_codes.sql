with
    source as (select * from {{ source("raw", "order_discount_codes") }}),

    renamed as (select shop_id, order_id, position as code_position, code from source)

select *
from renamed
