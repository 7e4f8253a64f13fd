with
    source as (select * from {{ source("raw", "discounts") }}),

    renamed as (
        select
            shop_id,
            discount_id,
            kind,
            title,
            summary,
            code,
            codes_count,
            lower(status) as status,
            used_count,
            starts_at,
            ends_at,
            created_at,
            updated_at
        from source
    )

select *
from renamed
