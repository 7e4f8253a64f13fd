select
    _line,
    name,
    myshopifydomain as domain,
    rtrim(primarydomain.url, '/') as primary_url,
    currencycode as currency,
    ianatimezone as timezone,
    primarylocale as primary_locale
from landed
