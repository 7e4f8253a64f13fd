select
    _line,
    replace(id, 'customer:', '') as customer_key,
    timezone('UTC', createdat) as created_at,
    timezone('UTC', updatedat) as updated_at,
    numberoforders as orders_count,
    defaultaddress.countrycodev2 as country
from landed
