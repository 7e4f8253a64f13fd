-- Products for sale: how often their pages were visited in the last 84 complete days, how often they were ordered,
-- and what of them is in stock.
with
    visited as (
        select
            days.page_key,
            cast(
                sum(
                    case
                        when shops.conversion_basis = 'sessions'
                        then coalesce(days.sessions, 0)
                        else coalesce(days.search_clicks, 0)
                    end
                ) as bigint
            ) as visits
        from marts.fct_page_daily as days
        join marts.dim_shops as shops on shops.shop_id = days.shop_id
        where days.date_day >= cast(? as date) - 84 and days.date_day < cast(? as date)
        group by 1
    ),

    sold as (
        select days.product_id, cast(sum(days.orders) as bigint) as orders
        from marts.fct_product_daily as days
        where days.date_day >= cast(? as date) - 84 and days.date_day < cast(? as date)
        group by 1
    )

select
    products.product_id,
    products.page_key,
    products.handle,
    products.title,
    products.margin_rate,
    products.available,
    products.variants_out,
    products.variants,
    coalesce(visited.visits, 0) as visits,
    coalesce(sold.orders, 0) as orders
from marts.dim_products as products
left join visited on visited.page_key = products.page_key
left join sold on sold.product_id = products.product_id
where products.status = 'active' and products.published_at is not null
order by products.product_id
