select
    _line,
    id as checkout_id,
    replace(customer.id, 'customer:', '') as customer_key,
    timezone('UTC', createdat) as created_at,
    timezone('UTC', updatedat) as updated_at,
    timezone('UTC', completedat) as completed_at,
    timezone(getvariable('timezone'), createdat)::date as local_date,
    totallineitemspriceset.shopmoney.amount as lines_amount,
    coalesce(totaldiscountset.shopmoney.amount, 0) as discount_amount,
    totalpriceset.shopmoney.amount as total_amount
from landed
where "__parentId" is null
