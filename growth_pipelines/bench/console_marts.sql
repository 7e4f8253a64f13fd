-- The few marts that the console's pages read, with one row each: what a page costs is the store's.
create schema if not exists marts;
create table marts.dim_shops as
select
    'Bench' as name,
    'bench.myshopify.com' as domain,
    'https://www.bench.example' as primary_url,
    'USD' as currency,
    'America/Denver' as timezone,
    'shop' as shop_id;
create table marts.fct_shop_daily as
select
    'shop' as shop_id,
    current_date as date_day,
    true as is_complete,
    7 as orders,
    70000 as net_cents,
    350 as sessions,
    120 as search_clicks;
create table marts.fct_page_daily as select current_date as date_day, 90 as search_impressions;
create table marts.fct_web_vitals as select current_date as period_end;
create table marts.dim_pages as
select '' as resource_gid, '' as page_key, '' as effective_title, '' as effective_description;
create table marts.dim_data_coverage as select 'orders' as stream, cast(null as text) as history_note;
