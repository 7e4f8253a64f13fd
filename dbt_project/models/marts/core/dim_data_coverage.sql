with
    -- imports have no cursor: what they brought is what their runs say
    loaded as (
        select
            shop_id,
            stream,
            min(window_start) as covered_from,
            max(window_end) as covered_to,
            max(finished_at) as last_read_at
        from {{ ref("stg_ingestion__runs") }}
        where status = 'loaded' and shop_id is not null
        group by shop_id, stream
    ),

    streams as (
        select
            coalesce(cursors.shop_id, loaded.shop_id) as shop_id,
            coalesce(cursors.stream, loaded.stream) as stream,
            coalesce(cursors.covered_from, loaded.covered_from) as covered_from,
            coalesce(cursors.covered_to, loaded.covered_to) as covered_to,
            coalesce(loaded.last_read_at, cursors.updated_at) as last_read_at,
            cursors.history_from,
            cursors.history_reason
        from {{ ref("stg_ingestion__cursors") }} as cursors
        full outer join loaded on loaded.shop_id = cursors.shop_id and loaded.stream = cursors.stream
    ),

    dated as (
        select
            *,
            -- the later of what was read and what the source shows
            greatest(
                coalesce(cast(covered_from as date), history_from),
                coalesce(history_from, cast(covered_from as date))
            ) as history_starts_on,
            -- A limit explains the start only where no more was asked for. One is counted in the shop's days, the
            -- other in UTC, so they may be a day apart.
            case
                when covered_from is null or history_from >= {{ add_days("cast(covered_from as date)", -1) }}
                then history_reason
            end as history_reason_here
        from streams
    )

select
    dated.shop_id,
    dated.stream,
    coalesce(known.source, 'import') as source,
    coalesce(known.timezone, shops.timezone, 'UTC') as timezone,
    dated.history_starts_on,
    dated.history_reason_here as history_reason,
    case
        when exports.stream is null
        then 'history starts on ' || cast(dated.history_starts_on as varchar) || ': ' || dated.history_reason_here
    end as history_note,
    dated.covered_to,
    dated.last_read_at
from dated
left join {{ ref("stg_growth__streams") }} as known on known.stream = dated.stream
left join {{ ref("int_shops") }} as shops on shops.shop_id = dated.shop_id
left join
    -- an export of older orders that reaches up to those that can be read
    dated as exports
    on exports.shop_id = dated.shop_id
    and dated.stream = 'orders'
    and exports.stream = 'order_export'
    and exports.history_starts_on < dated.history_starts_on
    and exports.covered_to >= dated.history_starts_on
