-- How products for sale sold: units of the last 28 days and of the last 52 weeks.
select
    products.product_id,
    cast(products.published_at as date) as published_on,
    cast(
        coalesce(sum(case when days.date_day >= cast(? as date) - 28 then days.units end), 0) as bigint
    ) as units_28d,
    cast(coalesce(sum(days.units), 0) as bigint) as units_year
from marts.dim_products as products
left join
    marts.fct_product_daily as days
    on days.shop_id = products.shop_id
    and days.product_id = products.product_id
    and days.date_day < cast(? as date)
    and days.date_day >= cast(? as date) - 364
where products.status = 'active' and products.published_at is not null
group by 1, 2
order by products.product_id
