with
    source as (select * from {{ source("raw", "metaobjects") }}),

    renamed as (
        select shop_id, metaobject_id, type, handle, label, cast(fields as varchar) as fields, updated_at
        from source
    )

select *
from renamed
