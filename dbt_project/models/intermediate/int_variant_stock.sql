-- The stock of a variant now, over all locations; what the variant itself says where levels cannot be read.
with
    levels as (
        select
            shop_id,
            inventory_item_id,
            max(case when is_tracked then 1 when not is_tracked then 0 end) = 1 as is_tracked,
            cast(count(*) as bigint) as locations,
            cast(sum(on_hand) as bigint) as on_hand,
            cast(sum(available) as bigint) as available,
            cast(sum(committed) as bigint) as committed,
            cast(sum(incoming) as bigint) as incoming
        from {{ ref("stg_shopify__inventory_levels") }}
        group by shop_id, inventory_item_id
    )

select
    variants.shop_id,
    variants.variant_id,
    variants.product_id,
    levels.is_tracked,
    coalesce(levels.locations, 0) as locations,
    case when levels.shop_id is null then variants.inventory_quantity else levels.on_hand end as on_hand,
    case when levels.shop_id is null then variants.inventory_quantity else levels.available end as available,
    levels.committed,
    levels.incoming
from {{ ref("stg_shopify__product_variants") }} as variants
left join levels on levels.shop_id = variants.shop_id and levels.inventory_item_id = variants.inventory_item_id
