-- The shop's own curve where it has data, drawn towards the prior where they are thin, never rising with position.
{% set prior_impressions = 2000 %}
with
    pairs as (
        -- a page and query over the last 90 complete days, at its mean position
        select
            shop_id,
            quarter_clicks as clicks,
            quarter_impressions as impressions,
            {{ ratio("quarter_clicks", "quarter_impressions") }} as ctr,
            {{ iround(ratio("quarter_position_x100_impr", "100 * quarter_impressions")) }} as position_bucket
        from {{ ref("int_search_pairs") }}
        where not is_brand and quarter_impressions > 0
    ),

    own as (
        select
            shop_id,
            position_bucket,
            cast(count(*) as bigint) as pairs,
            {{ isum("clicks") }} as clicks,
            {{ isum("impressions") }} as impressions,
            percentile_cont(0.5) within group (order by ctr) as median_ctr
        from pairs
        where position_bucket between 1 and 20
        group by 1, 2
    ),

    blended as (
        select
            shops.shop_id,
            prior.position_bucket,
            coalesce(own.pairs, 0) as pairs,
            coalesce(own.clicks, 0) as clicks,
            coalesce(own.impressions, 0) as impressions,
            {{ ratio("own.clicks", "own.impressions") }} as own_ctr,
            own.median_ctr,
            prior.ctr as prior_ctr,
            (coalesce(own.clicks, 0) + {{ prior_impressions }} * prior.ctr)
            / (coalesce(own.impressions, 0) + {{ prior_impressions }}) as blended_ctr
        from {{ ref("int_shops") }} as shops
        cross join {{ ref("ctr_prior") }} as prior
        left join own on own.shop_id = shops.shop_id and own.position_bucket = prior.position_bucket
    ),

    monotone as (
        select
            blended.*,
            min(blended_ctr) over (
                partition by shop_id order by position_bucket rows between unbounded preceding and current row
            ) as ctr
        from blended
    )

select
    shop_id,
    position_bucket,
    pairs,
    clicks,
    impressions,
    own_ctr,
    median_ctr,
    prior_ctr,
    blended_ctr,
    ctr,
    coalesce(lead(ctr) over (partition by shop_id order by position_bucket), ctr) as next_ctr,
    case
        when impressions = 0 then 'prior' when impressions < 10 * {{ prior_impressions }} then 'blend' else 'own'
    end as source
from monotone
