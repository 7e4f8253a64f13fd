with
    codes as (
        select
            used.shop_id,
            used.order_id,
            used.code_position,
            used.code,
            orders.customer_key,
            orders.date_day,
            orders.customer_order_number,
            orders.discount_cents as order_discount_cents,
            orders.net_cents as order_net_cents,
            orders.currency,
            count(*) over (partition by used.shop_id, used.order_id) as codes,
            row_number() over (partition by used.shop_id, used.order_id order by used.code_position) as place
        from {{ ref("stg_shopify__order_discount_codes") }} as used
        join {{ ref("int_orders") }} as orders on orders.shop_id = used.shop_id and orders.order_id = used.order_id
    ),

    -- a code belongs to one discount at a time; the newest where one of old had it too
    known as (
        select
            *,
            row_number() over (
                partition by shop_id, lower(code)
                order by coalesce(created_at, cast('1970-01-01' as timestamp)) desc, discount_id
            ) as choice
        from {{ ref("stg_shopify__discounts") }}
        where code is not null
    ),

    shared as (
        select *, cast(floor({{ ratio("order_discount_cents", "codes") }}) as bigint) as each_cents from codes
    )

select
    shared.shop_id,
    shared.order_id,
    cast(shared.code_position as bigint) as code_position,
    shared.code,
    lower(shared.code) as code_key,
    known.discount_id,
    known.title as discount_title,
    known.kind as discount_kind,
    shared.customer_key,
    shared.date_day,
    shared.customer_order_number = 1 as is_first_order,
    cast(shared.codes as bigint) as codes,
    -- equal parts, the odd cents to the first codes: they add up to the order's discount
    shared.each_cents + case
        when shared.place <= shared.order_discount_cents - shared.each_cents * shared.codes then 1 else 0
    end as discount_cents,
    shared.order_discount_cents,
    shared.order_net_cents,
    shared.currency
from shared
left join known on known.shop_id = shared.shop_id and lower(known.code) = lower(shared.code) and known.choice = 1
