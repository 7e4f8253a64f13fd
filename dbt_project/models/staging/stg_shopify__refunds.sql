with
    source as (select * from {{ source("raw", "refunds") }}),

    renamed as (select shop_id, refund_id, order_id, total_amount, created_at, local_date as date_day from source)

select *
from renamed
