select
    returns.shop_id,
    returns.month_start,
    returns.recommender,
    returns.actions,
    returns.measured,
    returns.waiting,
    returns.not_measurable,
    returns.overlapping,
    {{ iround("returns.promised_in_all * shops.minor_units") }} as promised_in_all_cents,
    case when returns.measured > 0 then {{ iround("returns.promised * shops.minor_units") }} end as promised_cents,
    {{ iround("returns.realised * shops.minor_units") }} as realised_cents,
    {{ iround("returns.realised_low * shops.minor_units") }} as realised_low_cents,
    {{ iround("returns.realised_high * shops.minor_units") }} as realised_high_cents,
    returns.realised_low <= 0 and returns.realised_high >= 0 as holds_zero,
    returns.counted_at,
    shops.currency
from {{ ref("stg_growth__action_returns") }} as returns
left join {{ ref("int_shops") }} as shops on shops.shop_id = returns.shop_id
