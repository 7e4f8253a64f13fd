{# A text column holds only these values (or null). #}
{% test one_of(model, column, values) %}
    select {{ column }} as unexpected, count(*) as row_count
    from {{ model }}
    where {{ column }} not in ({% for value in values %}{{ ", " if not loop.first }}'{{ value }}'{% endfor %})
    group by {{ column }}
{% endtest %}
