{% set false_discovery_rate = 0.05 %}
with
    tested as (
        select
            *,
            -- G squared of the four-fold table: orders with both, one, the other, neither
            greatest(
                0,
                2 * (
                    {{ likelihood_term("orders_both", "orders_first", "orders_second", "orders_total") }}
                    + {{
                        likelihood_term(
                            "(orders_first - orders_both)",
                            "orders_first",
                            "(orders_total - orders_second)",
                            "orders_total",
                        )
                    }}
                    + {{
                        likelihood_term(
                            "(orders_second - orders_both)",
                            "(orders_total - orders_first)",
                            "orders_second",
                            "orders_total",
                        )
                    }}
                    + {{
                        likelihood_term(
                            "(orders_total - orders_first - orders_second + orders_both)",
                            "(orders_total - orders_first)",
                            "(orders_total - orders_second)",
                            "orders_total",
                        )
                    }}
                )
            ) as log_likelihood_ratio
        from {{ ref("int_product_pairs") }}
    ),

    valued as (select *, {{ chi_square_p("log_likelihood_ratio") }} as p_value from tested),

    ranked as (
        select
            *,
            -- in brackets: the last rank divides by itself, so that no q-value is below its p-value
            p_value * (
                {{
                    ratio(
                        "pairs_tested",
                        "row_number() over (partition by shop_id order by p_value, first_product_id, second_product_id)",
                    )
                }}
            ) as scaled_p
        from valued
    ),

    -- Benjamini and Hochberg: the smallest scaled p-value from this rank on
    corrected as (
        select
            *,
            least(
                1,
                min(scaled_p) over (
                    partition by shop_id
                    order by p_value desc, first_product_id desc, second_product_id desc
                    rows between unbounded preceding and current row
                )
            ) as q_value
        from ranked
    ),

    directed as (
        select
            shop_id,
            first_product_id as product_id,
            second_product_id as paired_product_id,
            orders_first as orders_product,
            orders_second as orders_paired,
            orders_both,
            buyers_both,
            orders_total,
            log_likelihood_ratio,
            p_value,
            pairs_tested,
            q_value
        from corrected
        union all
        select
            shop_id,
            second_product_id,
            first_product_id,
            orders_second,
            orders_first,
            orders_both,
            buyers_both,
            orders_total,
            log_likelihood_ratio,
            p_value,
            pairs_tested,
            q_value
        from corrected
    )

select
    shop_id,
    product_id,
    paired_product_id,
    orders_product,
    orders_paired,
    orders_both,
    buyers_both,
    orders_total,
    {{ ratio("orders_both", "orders_total") }} as support,
    {{ ratio("orders_both", "orders_product") }} as confidence,
    {{ ratio("orders_both * orders_total", "orders_product * orders_paired") }} as lift,
    cast(log_likelihood_ratio as double precision) as log_likelihood_ratio,
    cast(p_value as double precision) as p_value,
    pairs_tested,
    cast(q_value as double precision) as q_value,
    q_value <= {{ false_discovery_rate }}
    -- more orders than by chance, and not fewer
    and orders_both * orders_total > orders_product * orders_paired as is_significant
from directed
