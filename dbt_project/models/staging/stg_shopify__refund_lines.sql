with
    source as (select * from {{ source("raw", "refund_lines") }}),

    renamed as (
        select shop_id, refund_line_id, refund_id, order_id, order_line_id, quantity, subtotal_amount from source
    )

select *
from renamed
