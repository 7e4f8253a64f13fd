{#
    What a period ends with, the next begins with: for each column of `ends`, its value in the row before (by
    `order_by`, within the columns of `within`) is the expression's value in this row; 0 before the first row.
#}
{% test carried_over(model, within, order_by, ends) %}
    with
        ordered as (
            select
                *
                {% for column in ends %}
                    ,
                    lag({{ column }}, 1, cast(0 as bigint)) over (
                        partition by {{ within | join(", ") }} order by {{ order_by }}
                    ) as {{ column }}_before
                {% endfor %}
            from {{ model }}
        )
    select *
    from ordered
    where
        {% for column, beginning in ends.items() %}
            {{ "or " if not loop.first }} {{ column }}_before <> {{ beginning }}
        {% endfor %}
{% endtest %}
