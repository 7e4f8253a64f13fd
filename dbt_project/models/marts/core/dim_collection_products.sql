select shop_id, collection_id, product_id, product_position from {{ ref("stg_shopify__collection_products") }}
