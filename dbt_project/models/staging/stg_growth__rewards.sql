with
    source as (select * from {{ source("raw", "growth_rewards") }}),

    renamed as (select shop_id, reward_id, trigger_event, reward_type, amount, is_active, created_at from source)

select *
from renamed
