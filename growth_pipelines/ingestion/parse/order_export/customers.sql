-- How long a customer has been one, and with how many orders, is not in an export of some months.
select
    max(_line) as _line,
    customer_key,
    null as created_at,
    max(updated_at) as updated_at,
    null as orders_count,
    max_by(country, created_at) as country
from landed
where customer_key is not null
group by customer_key
