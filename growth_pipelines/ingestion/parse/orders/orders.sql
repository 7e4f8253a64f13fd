with
    lines as (
        select order_id, sum(gross_amount) as gross_amount, sum(discount_amount) as discount_amount
        from order_lines
        group by order_id
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
    coalesce(lines.gross_amount, 0) as gross_amount,
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
