-- Shopify tells only the stock of the present, and a load replaces the one before. So each build keeps what is
-- there
-- as the stock of the day on which it was read, in the shop's zone: the last reading of a day stands.
create table if not exists raw._inventory_days (
    shop_id varchar,
    variant_id varchar,
    product_id varchar,
    location_id varchar,
    date_day date,
    source varchar,
    is_tracked boolean,
    available bigint,
    committed bigint,
    incoming bigint,
    on_hand bigint
)
;

create temp table present_stock as
with
    counted as (
        select
            levels.shop_id,
            variants.variant_id,
            variants.product_id,
            levels.location_id,
            'levels' as source,
            levels.is_tracked,
            levels.available,
            levels.committed,
            levels.incoming,
            coalesce(levels.on_hand, levels.available) as on_hand,
            levels._loaded_at
        from raw.inventory_levels as levels
        join
            raw.product_variants as variants
            on variants.shop_id = levels.shop_id
            and variants.inventory_item_id = levels.inventory_item_id
        union all
        -- levels need a permission of their own, what a variant says is for sale does not
        select
            variants.shop_id,
            variants.variant_id,
            variants.product_id,
            cast(null as varchar),
            'variants',
            cast(null as boolean),
            variants.inventory_quantity,
            cast(null as bigint),
            cast(null as bigint),
            variants.inventory_quantity,
            variants._loaded_at
        from raw.product_variants as variants
        where
            variants.inventory_quantity is not null
            and not exists (
                select 1
                from raw.inventory_levels as levels
                where
                    levels.shop_id = variants.shop_id
                    and levels.inventory_item_id = variants.inventory_item_id
            )
    )
select
    counted.shop_id,
    counted.variant_id,
    counted.product_id,
    counted.location_id,
    coalesce(
        cast(
            timezone(coalesce(shops.timezone, build.timezone), timezone('UTC', counted._loaded_at)) as date
        ),
        build.as_of
    ) as date_day,
    counted.source,
    counted.is_tracked,
    counted.available,
    counted.committed,
    counted.incoming,
    counted.on_hand
from counted
cross join raw._build as build
left join raw.shops as shops on shops.shop_id = counted.shop_id
;

delete from raw._inventory_days as kept
where
    exists (
        select 1
        from present_stock as present
        where
            present.shop_id = kept.shop_id
            and present.variant_id = kept.variant_id
            and present.date_day = kept.date_day
    )
;

insert into raw._inventory_days (
    shop_id,
    variant_id,
    product_id,
    location_id,
    date_day,
    source,
    is_tracked,
    available,
    committed,
    incoming,
    on_hand
)
select
    shop_id,
    variant_id,
    product_id,
    location_id,
    date_day,
    source,
    is_tracked,
    available,
    committed,
    incoming,
    on_hand
from present_stock
;

drop table present_stock
;
