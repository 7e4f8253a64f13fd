-- Shopify tells only the prices, titles and states of the present. Each build compares them with those kept last
-- and
-- keeps what changed, dated by the day on which it was read, in the shop's zone. Of a day the last reading stands.
create table if not exists raw._variant_changes (
    shop_id varchar,
    variant_id varchar,
    product_id varchar,
    date_day date,
    product_title varchar,
    variant_title varchar,
    status varchar,
    price decimal(18, 4),
    compare_at_price decimal(18, 4),
    unit_cost decimal(18, 4)
)
;

create temp table present_variants as
select
    variants.shop_id,
    variants.variant_id,
    variants.product_id,
    coalesce(
        cast(
            timezone(
                coalesce(shops.timezone, build.timezone),
                timezone('UTC', greatest(variants._loaded_at, products._loaded_at))
            ) as date
        ),
        build.as_of
    ) as date_day,
    products.title as product_title,
    variants.title as variant_title,
    lower(products.status) as status,
    variants.price,
    variants.compare_at_price,
    variants.unit_cost
from raw.product_variants as variants
cross join raw._build as build
left join
    raw.products as products
    on products.shop_id = variants.shop_id
    and products.product_id = variants.product_id
left join raw.shops as shops on shops.shop_id = variants.shop_id
;

delete from raw._variant_changes as kept
where
    exists (
        select 1
        from present_variants as present
        where
            present.shop_id = kept.shop_id
            and present.variant_id = kept.variant_id
            and present.date_day = kept.date_day
    )
;

insert into raw._variant_changes (
    shop_id,
    variant_id,
    product_id,
    date_day,
    product_title,
    variant_title,
    status,
    price,
    compare_at_price,
    unit_cost
)
with
    newest as (
        select shop_id, variant_id, max(date_day) as date_day
        from raw._variant_changes
        group by shop_id, variant_id
    ),
    kept as (
        select states.*
        from raw._variant_changes as states
        join
            newest
            on newest.shop_id = states.shop_id
            and newest.variant_id = states.variant_id
            and newest.date_day = states.date_day
    )
select
    present.shop_id,
    present.variant_id,
    present.product_id,
    present.date_day,
    present.product_title,
    present.variant_title,
    present.status,
    present.price,
    present.compare_at_price,
    present.unit_cost
from present_variants as present
left join kept on kept.shop_id = present.shop_id and kept.variant_id = present.variant_id
where
    kept.variant_id is null
    or (
        present.date_day > kept.date_day
        and (
            present.product_title is distinct from kept.product_title
            or present.variant_title is distinct from kept.variant_title
            or present.status is distinct from kept.status
            or present.price is distinct from kept.price
            or present.compare_at_price is distinct from kept.compare_at_price
            or present.unit_cost is distinct from kept.unit_cost
        )
    )
;

drop table present_variants
;
