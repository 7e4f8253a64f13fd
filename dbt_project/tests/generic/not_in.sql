{# No row has the same values of the columns as any row of the other relation. #}
{% test not_in(model, columns, other) %}
    select distinct {% for column in columns %} {{ ", " if not loop.first }}here.{{ column }}{% endfor %}
    from {{ model }} as here
    join
        {{ other }} as there
        on {%- for column in columns %}
            {{ "and " if not loop.first }}there.{{ column }} = here.{{ column }}
        {%- endfor %}
{% endtest %}
