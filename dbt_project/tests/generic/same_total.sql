{#
    The sum of `expression` is the same as in another relation, shop by shop. Guards joins that lose or repeat rows.
    `condition` and `to_condition` restrict either side.
#}
{% test same_total(model, expression, to, to_expression=none, condition="true", to_condition="true") %}
    with
        here as (
            select shop_id, {{ isum(expression) }} as total from {{ model }} where {{ condition }} group by shop_id
        ),
        there as (
            select shop_id, {{ isum(to_expression or expression) }} as total
            from {{ to }}
            where {{ to_condition }}
            group by shop_id
        )
    select coalesce(here.shop_id, there.shop_id) as shop_id, here.total as total, there.total as expected
    from here
    full outer join there on there.shop_id = here.shop_id
    where coalesce(here.total, 0) <> coalesce(there.total, 0)
{% endtest %}
