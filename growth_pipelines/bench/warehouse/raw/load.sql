-- The generated tables as the shop would have been landed: gids, hashed customers, addresses and queries as text,
-- money as decimals. `generated.` is the schema of the generated tables.
insert into raw.shops by name
select 'bench.myshopify.com' as shop_id, 'Bench' as name, 'bench.myshopify.com' as domain,
    'https://www.bench.example' as primary_url, 'USD' as currency, 'UTC' as timezone, 'en' as primary_locale
;
insert into raw.orders by name
select
    'bench.myshopify.com' as shop_id,
    'gid://shopify/Order/' || order_id as order_id,
    '#' || order_id as name,
    sha256('customer ' || customer_id) as customer_key,
    created_at,
    created_at as processed_at,
    created_at as updated_at,
    cancelled_at,
    cast(created_at as date) as local_date,
    false as is_test,
    'PAID' as financial_status,
    orders.currency,
    subtotal_cents / 100 as gross_amount,
    discount_cents / 100 as discount_amount,
    tax_cents / 100 as tax_amount,
    shipping_cents / 100 as shipping_amount,
    total_cents / 100 as total_amount,
    0 as refunded_amount,
    pages.path as landing_path,
    channel as source_name,
    'FULFILLED' as fulfillment_status,
    'orders-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.orders as orders
join generated.pages as pages on pages.page_id = orders.landing_page_id
order by created_at
;
insert into raw.order_lines by name
select
    'bench.myshopify.com' as shop_id,
    'gid://shopify/LineItem/' || order_line_id as order_line_id,
    'gid://shopify/Order/' || order_id as order_id,
    'gid://shopify/Product/' || lines.product_id as product_id,
    'gid://shopify/ProductVariant/' || (lines.product_id + 30000000000) as variant_id,
    products.title,
    'SKU-' || lines.product_id as sku,
    quantity,
    quantity as current_quantity,
    unit_price_cents / 100 as unit_price,
    quantity * unit_price_cents / 100 as gross_amount,
    discount_cents / 100 as discount_amount,
    'orders-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.order_lines as lines
join generated.products as products on products.product_id = lines.product_id
;
insert into raw.refunds by name
select
    'bench.myshopify.com' as shop_id,
    'gid://shopify/Refund/' || refund_id as refund_id,
    'gid://shopify/Order/' || order_id as order_id,
    created_at,
    cast(created_at as date) as local_date,
    amount_cents / 100 as total_amount,
    'orders-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.refunds
;
insert into raw.refund_lines by name
select
    'bench.myshopify.com' as shop_id,
    'gid://shopify/RefundLineItem/' || refund_id as refund_line_id,
    'gid://shopify/Refund/' || refund_id as refund_id,
    'gid://shopify/Order/' || order_id as order_id,
    'gid://shopify/LineItem/' || order_line_id as order_line_id,
    quantity,
    amount_cents / 100 as subtotal_amount,
    'orders-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.refunds
;
insert into raw.customers by name
select
    'bench.myshopify.com' as shop_id,
    sha256('customer ' || customer_id) as customer_key,
    created_at,
    created_at as updated_at,
    country,
    'customers-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.customers
;
insert into raw.products by name
select
    'bench.myshopify.com' as shop_id,
    'gid://shopify/Product/' || products.product_id as product_id,
    replace(pages.path, '/products/', '') as handle,
    title,
    product_type,
    'Bench' as vendor,
    'ACTIVE' as status,
    title || ' for every workshop' as description,
    'https://www.bench.example' || pages.path as url,
    timestamp '2023-11-01' as created_at,
    timestamp '2023-11-01' as updated_at,
    timestamp '2023-11-01' as published_at,
    'products-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.products as products
join generated.pages as pages on pages.product_id = products.product_id
;
insert into raw.product_variants by name
select
    'bench.myshopify.com' as shop_id,
    'gid://shopify/ProductVariant/' || (product_id + 30000000000) as variant_id,
    'gid://shopify/Product/' || product_id as product_id,
    'SKU-' || product_id as sku,
    'Default' as title,
    price_cents / 100 as price,
    price_cents * 0.6 / 100 as unit_cost,
    product_id % 50 as inventory_quantity,
    'products-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.products
;
insert into raw.collections by name
select
    'bench.myshopify.com' as shop_id,
    'gid://shopify/Collection/' || page_id as collection_id,
    replace(path, '/collections/', '') as handle,
    path as title,
    'https://www.bench.example' || path as url,
    'collections-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.pages
where page_type = 'collection'
;
insert into raw.pages by name
select
    'bench.myshopify.com' as shop_id,
    'gid://shopify/Article/' || page_id as page_id,
    'article' as content_type,
    path as handle,
    path as title,
    'https://www.bench.example' || path as url,
    'pages-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.pages
where page_type = 'article'
;
-- Search Console tells no device beside a query: the two are one row.
insert into raw.search_page_query_daily by name
select
    'bench.myshopify.com' as shop_id,
    'sc-domain:bench.example' as site_url,
    search.day as date,
    'https://www.bench.example' || any_value(pages.path) as page,
    any_value(pages.page_type) || ' ' || search.page_id || ' wanted in size ' || search.query_id % 40 as query,
    sum(clicks) as clicks,
    sum(impressions) as impressions,
    sum(position * impressions) / sum(impressions) as position,
    'search-' || search.day as _file_id,
    search.query_id as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.search_performance as search
join generated.pages as pages on pages.page_id = search.page_id
group by search.day, search.page_id, search.query_id
order by search.day
;
-- A tenth more than by query: what Google hides.
insert into raw.search_page_daily by name
select
    shop_id,
    site_url,
    date,
    page,
    sum(clicks) as clicks,
    sum(impressions) + cast(floor(sum(impressions) / 10) as bigint) as impressions,
    sum(position * impressions) / sum(impressions) as position,
    'pages-' || date as _file_id,
    min(_line) as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from raw.search_page_query_daily
group by all
order by date
;
insert into raw.search_property_daily by name
select
    shop_id,
    site_url,
    date,
    sum(clicks) as clicks,
    sum(impressions) as impressions,
    sum(position * impressions) / sum(impressions) as position,
    'property-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from raw.search_page_daily
group by shop_id, site_url, date
;
insert into raw.sessions_daily by name
select
    'bench.myshopify.com' as shop_id,
    day as date,
    pages.path as landing_path,
    device,
    sessions,
    add_to_carts as cart_additions,
    checkouts as reached_checkout,
    purchases as completed_checkout,
    'sessions-' || day as _file_id,
    sessions.page_id as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from generated.page_sessions as sessions
join generated.pages as pages on pages.page_id = sessions.page_id
order by day
;
insert into raw.crux_history by name
select
    'bench.myshopify.com' as shop_id,
    'page' as scope,
    'https://www.bench.example' || pages.path as target,
    case when device = 'mobile' then 'phone' else device end as form_factor,
    metric,
    period_start,
    period_start + 27 as period_end,
    value as p75,
    0.7 as good,
    0.2 as needs_improvement,
    0.1 as poor,
    'crux-1' as _file_id,
    row_number() over () as _line,
    timestamp '2026-11-01 03:00:00' as _loaded_at
from (
    select period_start, page_id, device, 'lcp' as metric, lcp_ms as value from generated.web_vitals
    union all
    select period_start, page_id, device, 'inp', inp_ms from generated.web_vitals
    union all
    select period_start, page_id, device, 'cls', cls from generated.web_vitals
) as vitals
join generated.pages as pages on pages.page_id = vitals.page_id
