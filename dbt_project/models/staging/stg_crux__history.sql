with
    source as (select * from {{ source("raw", "crux_history") }}),

    renamed as (
        select
            shop_id,
            case when lower(scope) = 'origin' then 'origin' else 'page' end as scope,
            target as target_url,
            lower(form_factor) as form_factor,
            lower(metric) as metric,
            period_start,
            period_end,
            p75,
            good as good_share,
            needs_improvement as needs_improvement_share,
            poor as poor_share
        from source
    )

select *
from renamed
