-- The days of the last 84 on which a variant ended without stock.
select stock.variant_id, stock.date_day
from marts.fct_inventory_daily as stock
where
    stock.is_tracked is not false
    and coalesce(stock.available, stock.on_hand) <= 0
    and stock.date_day >= cast(? as date) - 84
    and stock.date_day < cast(? as date)
