with
    source as (select * from {{ source("raw", "order_transactions") }}),

    renamed as (
        select
            shop_id,
            transaction_id,
            order_id,
            parent_id as parent_transaction_id,
            lower(kind) as kind,
            lower(status) as status,
            gateway,
            amount,
            coalesce(is_test, false) as is_test,
            processed_at,
            local_date as date_day
        from source
    )

select *
from renamed
