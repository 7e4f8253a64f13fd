-- Field data of pages and of the origin, one row a collection period. The weekly history, and the newest daily
-- record where it is newer. Values of different periods overlap and are never averaged.
with
    periods as (
        select
            shop_id,
            scope,
            target_url,
            form_factor,
            metric,
            period_start,
            period_end,
            p75,
            good_share,
            needs_improvement_share,
            poor_share,
            true as is_weekly
        from {{ ref("stg_crux__history") }}
        where p75 is not null
        union all
        select
            shop_id,
            scope,
            target_url,
            form_factor,
            metric,
            period_start,
            period_end,
            p75,
            good_share,
            needs_improvement_share,
            poor_share,
            false
        from {{ ref("stg_crux__records") }}
        where is_found and p75 is not null
    ),

    keyed as (
        select
            periods.*,
            urls.page_key,
            row_number() over (
                partition by periods.shop_id, scope, coalesce(urls.page_key, ''), form_factor, metric, period_end
                -- the history is final; of two spellings of one page the shorter is the canonical one
                order by case when is_weekly then 0 else 1 end, length(target_url), target_url
            ) as choice
        from periods
        left join
            {{ ref("int_page_urls") }} as urls
            on urls.shop_id = periods.shop_id
            and urls.raw_url = periods.target_url
            and periods.scope = 'page'
    )

select
    shop_id,
    page_key,
    scope,
    form_factor,
    metric,
    period_start,
    period_end,
    p75,
    good_share,
    needs_improvement_share,
    poor_share,
    is_weekly,
    row_number() over (
        partition by shop_id, scope, coalesce(page_key, ''), form_factor, metric order by period_end desc
    )
    = 1 as is_latest
from keyed
where choice = 1
