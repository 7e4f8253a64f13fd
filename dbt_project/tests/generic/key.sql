{#
    The grain of a model: the columns are unique together and none is null, in one scan. `nullable` names key
    columns that may be missing (they still count as one value). `last_days` of `day` restricts the scan of a large
    fact to its newest days: the grain of older ones was tested when they were new.
#}
{% test key(model, columns, nullable=[], day=none, last_days=none) %}
    select {{ columns | join(", ") }}, count(*) as row_count
    from {{ model }}
    {% if day %}
        where {{ day }} > (select max({{ day }}) from {{ model }}) - cast({{ last_days }} as integer)
    {% endif %}
    group by {{ columns | join(", ") }}
    having
        count(*) > 1 {%- for column in columns if column not in nullable %} or {{ column }} is null {%- endfor %}
{% endtest %}
