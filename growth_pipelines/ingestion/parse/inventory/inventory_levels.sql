with
    levels as (
        select
            level._line,
            item.id as inventory_item_id,
            level.location.id as location_id,
            level.location.name as location_name,
            item.sku,
            item.tracked as is_tracked,
            map_from_entries(
                list_transform(level.quantities, lambda q:struct_pack(k := q.name, v := q.quantity))
            ) as quantity,
            timezone('UTC', level.updatedat) as updated_at
        from landed as level
        join landed as item on item.id = level."__parentId"
        where level.location is not null
    )
select
    _line,
    inventory_item_id,
    location_id,
    location_name,
    sku,
    is_tracked,
    quantity['available'] as available,
    quantity['committed'] as committed,
    quantity['incoming'] as incoming,
    quantity['on_hand'] as on_hand,
    updated_at
from levels
