select shop_id, metaobject_id, type, handle, label, fields, updated_at from {{ ref("stg_shopify__metaobjects") }}
