{# None of the columns is null anywhere, in one scan. #}
{% test complete(model, columns) %}
    select * from {{ model }} where {{ columns | join(" is null or ") }} is null
{% endtest %}
