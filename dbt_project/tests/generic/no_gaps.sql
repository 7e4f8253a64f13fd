{# From a shop's first day to its last, every day has a row. #}
{% test no_gaps(model, column) %}
    select shop_id, min({{ column }}) as first_day, max({{ column }}) as last_day, count(*) as days
    from {{ model }}
    group by shop_id
    having count(*) <> {{ day_diff("max(" ~ column ~ ")", "min(" ~ column ~ ")") }} + 1
{% endtest %}
