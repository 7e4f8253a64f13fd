with
    source as (select * from {{ source("raw", "abandoned_checkouts") }}),

    renamed as (
        select
            shop_id,
            checkout_id,
            customer_key,
            lines_amount,
            discount_amount,
            total_amount,
            completed_at is not null as is_completed,
            created_at,
            updated_at,
            completed_at,
            local_date as date_day
        from source
    )

select *
from renamed
