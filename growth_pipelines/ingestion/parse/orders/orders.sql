-- Where prices include tax, the tax of the lines is taken out of the gross amount, as it is of each line.
with
    lines as (
        select
            "__parentId" as order_id,
            sum(originalunitpriceset.shopmoney.amount * quantity) as listed_amount,
            sum(
                list_sum(list_transform(discountallocations, lambda a:a.allocatedamountset.shopmoney.amount))
            ) as discount_amount,
            sum(list_sum(list_transform(taxlines, lambda t:t.priceset.shopmoney.amount))) as tax_amount
        from landed
        where id like 'gid://shopify/LineItem/%'
        group by 1
    ),
    orders as (select * from landed where id like 'gid://shopify/Order/%')
select
    o._line,
    o.id as order_id,
    o.name,
    nullif(replace(o.customer.id, 'customer:', ''), '') as customer_key,
    timezone('UTC', o.createdat) as created_at,
    timezone('UTC', o.processedat) as processed_at,
    timezone('UTC', o.updatedat) as updated_at,
    timezone('UTC', o.cancelledat) as cancelled_at,
    timezone(getvariable('timezone'), coalesce(o.processedat, o.createdat))::date as local_date,
    coalesce(o.test, false) as is_test,
    lower(o.displayfinancialstatus) as financial_status,
    o.currencycode as currency,
    coalesce(lines.listed_amount, 0)
    - case when o.taxesincluded then coalesce(lines.tax_amount, 0) else 0 end as gross_amount,
    coalesce(lines.discount_amount, 0) as discount_amount,
    coalesce(o.totaltaxset.shopmoney.amount, 0) as tax_amount,
    coalesce(o.totalshippingpriceset.shopmoney.amount, 0) as shipping_amount,
    o.totalpriceset.shopmoney.amount as total_amount,
    coalesce(o.totalrefundedset.shopmoney.amount, 0) as refunded_amount,
    -- No visit known: null. The home page without a path: "/".
    case
        when o.customerjourneysummary.lastvisit.landingpage is not null
        then
            coalesce(
                nullif(regexp_replace(o.customerjourneysummary.lastvisit.landingpage, '^https?://[^/]*', ''), ''),
                '/'
            )
    end as landing_path,
    o.sourcename as source_name,
    lower(o.cancelreason) as cancel_reason,
    lower(o.displayfulfillmentstatus) as fulfillment_status,
    o.presentmentcurrencycode as presentment_currency
from orders as o
left join lines on lines.order_id = o.id
