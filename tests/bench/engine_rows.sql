-- Rows of the raw tables that a build spends its time on, as many as parameters say: $orders orders with two lines
-- and a half each, $search rows of search by page and query. Every number follows from a row's own number.
-- orders
select
    'bench.myshopify.com' as shop_id,
    'o' || n as order_id,
    '#' || n as name,
    'c' || (hash(n) % greatest($orders // 2, 1)) as customer_key,
    timestamp '2025-01-01 12:00:00' + to_seconds(cast(n % 600 as bigint) * 86400 + cast(n % 40000 as bigint)) as created_at,
    date '2025-01-01' + cast(n % 600 as integer) as local_date,
    false as is_test,
    'PAID' as financial_status,
    'USD' as currency,
    cast(50 + n % 400 as decimal(18, 4)) as gross_amount,
    cast(n % 5 as decimal(18, 4)) as discount_amount,
    cast(1 as decimal(18, 4)) as tax_amount,
    cast(5 as decimal(18, 4)) as shipping_amount,
    cast(50 + n % 400 - n % 5 + 6 as decimal(18, 4)) as total_amount,
    cast(0 as decimal(18, 4)) as refunded_amount,
    '/products/part-' || (hash(n) % 3000) as landing_path
from range($orders) as numbers(n)
;
-- order_lines
select
    'bench.myshopify.com' as shop_id,
    'l' || n || '-' || line as order_line_id,
    'o' || n as order_id,
    'p' || (hash(n * 7 + line) % 3000) as product_id,
    'v' || (hash(n * 7 + line) % 3000) as variant_id,
    'Part ' || (hash(n * 7 + line) % 3000) as title,
    cast(1 + n % 3 as bigint) as quantity,
    cast(1 + n % 3 as bigint) as current_quantity,
    cast(20 as decimal(18, 4)) as unit_price,
    cast(20 * (1 + n % 3) as decimal(18, 4)) as gross_amount,
    cast(0 as decimal(18, 4)) as discount_amount
from range($orders) as numbers(n), range(5) as places(line)
where line < 1 + n % 4
;
-- products
select
    'bench.myshopify.com' as shop_id,
    'p' || n as product_id,
    'part-' || n as handle,
    'Part ' || n as title,
    'ACTIVE' as status,
    'https://bench.example/products/part-' || n as url
from range($products) as numbers(n)
;
-- search_page_query_daily
select
    'bench.myshopify.com' as shop_id,
    date '2026-11-18' - cast(n % 400 as integer) as date,
    'https://bench.example/products/part-' || (n // 400 % 3000) as page,
    'query ' || (n // 1200000) || ' of part ' || (n // 400 % 3000) as query,
    cast(n % 3 as bigint) as clicks,
    cast(3 + n % 40 as bigint) as impressions,
    1 + n % 200 / 10 as position
from range($search) as numbers(n)
;
-- search_page_daily
select
    'bench.myshopify.com' as shop_id,
    date '2026-11-18' - cast(n % 400 as integer) as date,
    'https://bench.example/products/part-' || (n // 400) as page,
    cast(5 as bigint) as clicks,
    cast(60 as bigint) as impressions,
    cast(5 as double) as position
from range(1200000) as numbers(n)
where n // 400 * 400 < $search
