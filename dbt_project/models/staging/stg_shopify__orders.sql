with
    source as (select * from {{ source("raw", "orders") }}),

    renamed as (
        select
            -- -------- ids
            shop_id,
            order_id,
            customer_key,

            -- -------- text
            name as order_name,
            lower(financial_status) as financial_status,
            upper(currency) as currency,
            landing_path,
            source_name,

            -- -------- money, in the shop's currency
            gross_amount,
            discount_amount,
            tax_amount,
            shipping_amount,
            total_amount,
            refunded_amount,

            -- -------- flags
            coalesce(is_test, false) as is_test,
            cancelled_at is not null as is_cancelled,

            -- -------- times
            created_at,
            updated_at,
            local_date as date_day
        from source
    )

select *
from renamed
