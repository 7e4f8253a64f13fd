-- How well each page turns visits into orders, relative to its shop, and from how much that is known. A single
-- page's
-- orders say next to nothing: a shop with 50 a month has none on most of its pages. So
--
-- * up to 180 days count, as far as visits are known,
-- * pages of one type (product, collection, article, …) share a rate: (orders + 10) ÷ (visits + 10 ÷ the shop's
-- rate),
-- * a page departs from its type by what its visitors put into the cart, four times as frequent as orders; where
-- carts
-- are not known, by its orders,
-- * and it departs only as far as pages of the type really differ: gamma-Poisson shrinkage. With mean rate p and
-- variance v of the true rates, both from the counts of all pages of the type (method of moments), a page has
-- p ÷ v pseudo-visits at rate p. The prior weighs at least one event, so few visits never make a record.
{% set pseudo_orders = 10 %}
with
    pages as (select * from {{ ref("int_page_visits") }}),

    types as (
        select
            shop_id,
            page_type,
            {{ isum("visits") }} as visits,
            {{ isum("orders") }} as orders,
            {{ isum("events") }} as events,
            cast(sum(cast(visits as double precision) * visits) as double precision) as visits_squared,
            cast(sum(cast(events as double precision) * visits) as double precision) as events_visits,
            cast(sum(cast(events as double precision) * events) as double precision) as events_squared
        from pages
        group by 1, 2
    ),

    totals as (select shop_id, {{ ratio(isum("orders"), isum("visits")) }} as order_rate from types group by 1),

    means as (
        select
            types.*,
            {{ ratio("types.events", "types.visits") }} as event_rate,
            -- the type's orders a visit relative to the shop's
            case
                when totals.order_rate > 0
                then
                    (types.orders + {{ pseudo_orders }})
                    / (types.visits + {{ pseudo_orders }} / totals.order_rate)
                    / totals.order_rate
                else 1.0
            end as relative_rate
        from types
        join totals on totals.shop_id = types.shop_id
    ),

    spread as (
        select
            means.*,
            {{
                ratio(
                    "events_squared - 2 * event_rate * events_visits + event_rate * event_rate * visits_squared - events",
                    "visits_squared",
                )
            }}
            as variance
        from means
    ),

    priors as (
        select
            shop_id,
            page_type,
            orders,
            event_rate,
            relative_rate,
            -- null where the pages of a type do not differ by more than chance
            case
                when event_rate > 0 and variance > 0 then greatest(event_rate / variance, 1 / event_rate)
            end as pseudo_visits
        from spread
    )

select
    pages.shop_id,
    pages.page_key,
    pages.page_type,
    pages.visits,
    pages.events,
    pages.orders,
    pages.net_cents,
    priors.relative_rate * case
        when priors.pseudo_visits is null
        then 1.0
        else
            (pages.events + priors.event_rate * priors.pseudo_visits)
            / (pages.visits + priors.pseudo_visits)
            / priors.event_rate
    end as relative_rate,
    -- As many orders would make a rate as uncertain as this: relative variances of the page, its type and the shop
    -- add up.
    1 / (
        case
            when priors.pseudo_visits is null
            then 0
            else 1 / (pages.events + priors.event_rate * priors.pseudo_visits)
        end
        + 1.0 / (priors.orders + {{ pseudo_orders }})
        + 1.0 / greatest(pages.window_orders, 1)
    ) as known_from_orders
from pages
join priors on priors.shop_id = pages.shop_id and priors.page_type = pages.page_type
