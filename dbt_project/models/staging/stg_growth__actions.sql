with
    source as (select * from {{ source("raw", "growth_actions") }}),

    renamed as (
        select
            shop_id,
            action_id,
            ref,
            kind,
            subtype,
            recommender,
            source as recommender_version,
            version,
            state,
            state_at,
            target_type,
            nullif(resource_gid, '') as resource_gid,
            nullif(target_url, '') as target_url,
            fields,
            confidence,
            ease,
            score,
            impact_metric,
            impact_unit,
            impact_delta,
            impact_low,
            impact_high,
            revenue_28d,
            revenue_low,
            revenue_high,
            risk_tier,
            priority,
            ranking_version,
            is_auto_approvable,
            created_at as proposed_at,
            created_date as proposed_on,
            expires_at,
            executed_at,
            executed_date as executed_on
        from source
    )

select *
from renamed
