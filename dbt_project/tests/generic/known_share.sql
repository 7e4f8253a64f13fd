{# In every shop, rows for which the condition holds have at least this share of each measure's total. #}
{% test known_share(model, measures, condition, at_least) %}
    select
        shop_id
        {%- for measure in measures %}
            ,
            {{ ratio("sum(case when " ~ condition ~ " then " ~ measure ~ " end)", "sum(" ~ measure ~ ")") }}
            as known_{{ measure }}
        {%- endfor %}
    from {{ model }}
    group by shop_id
    having
        {% for measure in measures %}
            {{ "or " if not loop.first }}coalesce(sum(case when {{ condition }} then {{ measure }} end), 0)
            < {{ at_least }} * sum({{ measure }})
        {% endfor %}
{% endtest %}
