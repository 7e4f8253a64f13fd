{# Every rule is true (or unknown, because a column is null) for every row, in one scan. #}
{% test holds(model, rules) %}
    select *
    from {{ model }}
    where {%- for rule in rules %} {{ "or " if not loop.first }} not ({{ rule }}) {%- endfor %}
{% endtest %}
