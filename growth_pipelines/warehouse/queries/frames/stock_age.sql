-- How a product sold: units of the last 28 days, of the last 84, and of the 84 days a year ago that are ahead now.
select
    products.product_id,
    products.page_key,
    products.handle,
    products.title,
    cast(products.published_at as date) as published_on,
    products.margin_rate,
    cast(
        coalesce(sum(case when days.date_day >= cast(? as date) - 28 then days.units end), 0) as bigint
    ) as units_28d,
    cast(
        coalesce(sum(case when days.date_day < cast(? as date) - 280 then days.units end), 0) as bigint
    ) as units_ahead_last_year
from marts.dim_products as products
left join
    marts.fct_product_daily as days
    on days.shop_id = products.shop_id
    and days.product_id = products.product_id
    and days.date_day < cast(? as date)
    and (days.date_day >= cast(? as date) - 84 or days.date_day between cast(? as date) - 364 and cast(? as date) - 281)
where products.status = 'active' and products.published_at is not null
group by 1, 2, 3, 4, 5, 6
order by products.product_id
