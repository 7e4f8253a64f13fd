with
    source as (select * from {{ source("raw", "collection_products") }}),

    renamed as (select shop_id, collection_id, product_id, position as product_position from source)

select *
from renamed
