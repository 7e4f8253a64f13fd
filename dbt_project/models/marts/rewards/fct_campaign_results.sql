with
    counted as (
        select
            shop_id,
            campaign_id,
            segment,
            {{ isum("case when arm = 'treated' then assigned end") }} as treated,
            {{ isum("case when arm = 'holdout' then assigned end") }} as holdout,
            {{ isum("sent") }} as sent,
            {{ isum("delivered") }} as delivered,
            {{ isum("bounced") }} as bounced,
            {{ isum("complained") }} as complained,
            {{ isum("case when arm = 'treated' then converted end") }} as converted,
            {{ isum("case when arm = 'holdout' then converted end") }} as holdout_converted,
            {{ isum("case when arm = 'holdout' then sent end") }} as holdout_sent,
            min(date_day) as first_day,
            max(date_day) as last_day
        from {{ ref("stg_growth__campaign_results") }}
        group by 1, 2, 3
    )

select
    counted.shop_id,
    counted.campaign_id,
    counted.segment,
    campaigns.action_id,
    campaigns.channel,
    campaigns.status,
    campaigns.started_on,
    counted.first_day,
    counted.last_day,
    counted.treated,
    counted.holdout,
    counted.sent,
    counted.delivered,
    counted.bounced,
    counted.complained,
    counted.converted,
    counted.holdout_converted,
    counted.holdout_sent,
    {{ ratio("counted.bounced", "counted.sent") }} as bounce_rate,
    {{ ratio("counted.complained", "counted.sent") }} as complaint_rate,
    {{ ratio("counted.converted", "counted.treated") }} as conversion_rate,
    {{ ratio("counted.holdout_converted", "counted.holdout") }} as holdout_conversion_rate,
    -- those treated would have converted as often as those held out
    counted.converted
    - {{ ratio("counted.holdout_converted * counted.treated", "counted.holdout") }} as incremental_conversions
from counted
left join
    {{ ref("stg_growth__campaigns") }} as campaigns
    on campaigns.shop_id = counted.shop_id
    and campaigns.campaign_id = counted.campaign_id
