-- Personal fields are there only where a setting asked for them.
select
    _line,
    replace(id, 'customer:', '') as customer_key,
    timezone('UTC', createdat) as created_at,
    timezone('UTC', updatedat) as updated_at,
    numberoforders as orders_count,
    defaultaddress.countrycodev2 as country,
    defaultemailaddress.emailaddress as email,
    defaultphonenumber.phonenumber as phone,
    firstname as first_name,
    lastname as last_name,
    defaultaddress.city as city,
    defaultaddress.zip as postal_code
from landed
