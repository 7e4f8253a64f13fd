{{
    config(
        materialized="table" if target.type == "spark" else "incremental",
        incremental_strategy="days",
        on_schema_change="append_new_columns",
    )
}}
select
    shop_id, page_key, date_day, search_clicks, search_impressions, position_x100_impr, sessions, orders, net_cents
from {{ ref("int_page_days") }}
where {{ is_rebuilt("date_day") }}
