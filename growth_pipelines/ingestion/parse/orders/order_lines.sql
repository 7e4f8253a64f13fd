-- Where prices include tax, the tax of a line is taken out of its gross amount, so that gross - discount is net.
with
    lines as (
        select
            line.*,
            line.originalunitpriceset.shopmoney.amount as unit_price,
            coalesce(
                list_sum(list_transform(line.discountallocations, lambda a:a.allocatedamountset.shopmoney.amount)),
                0
            ) as discount_amount,
            case
                when inclusive.id is not null
                then coalesce(list_sum(list_transform(line.taxlines, lambda t:t.priceset.shopmoney.amount)), 0)
                else 0
            end as included_tax
        from landed as line
        left join
            (select id from landed where id like 'gid://shopify/Order/%' and taxesincluded) as inclusive
            on inclusive.id = line."__parentId"
        where line.id like 'gid://shopify/LineItem/%'
    )
select
    _line,
    id as order_line_id,
    "__parentId" as order_id,
    product.id as product_id,
    variant.id as variant_id,
    title,
    sku,
    quantity,
    currentquantity as current_quantity,
    unit_price,
    unit_price * quantity - included_tax as gross_amount,
    discount_amount
from lines
