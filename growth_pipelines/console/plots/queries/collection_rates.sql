-- The products of a collection with their visits and orders over the 84 days to a day.
with
    members as (
        select products.product_id, products.page_key, products.handle
        from marts.dim_collection_products as members
        join
            marts.dim_products as products
            on products.shop_id = members.shop_id
            and products.product_id = members.product_id
        where members.collection_id = ?
    ),

    visited as (
        select
            days.page_key,
            sum(
                case when shops.conversion_basis = 'sessions' then days.sessions else days.search_clicks end
            ) as visits
        from marts.fct_page_daily as days
        join marts.dim_shops as shops on shops.shop_id = days.shop_id
        where
            days.page_key in (select page_key from members)
            and days.date_day > cast(? as date) - 84
            and days.date_day <= cast(? as date)
        group by 1
    ),

    sold as (
        select days.product_id, sum(days.orders) as orders
        from marts.fct_product_daily as days
        where
            days.product_id in (select product_id from members)
            and days.date_day > cast(? as date) - 84
            and days.date_day <= cast(? as date)
        group by 1
    )

select
    members.handle,
    cast(coalesce(visited.visits, 0) as bigint) as visits,
    cast(coalesce(sold.orders, 0) as bigint) as orders
from members
left join visited on visited.page_key = members.page_key
left join sold on sold.product_id = members.product_id
order by members.handle
