with
    source as (select * from {{ source("raw", "shops") }}),

    renamed as (
        select
            shop_id,
            name,
            domain,
            -- without a trailing slash, so that a page's path can follow
            {{ regex_replace("primary_url", "/+$", "") }} as primary_url,
            upper(currency) as currency,
            timezone,
            primary_locale
        from source
    )

select *
from renamed
