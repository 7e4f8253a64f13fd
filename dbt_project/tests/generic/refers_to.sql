{# Every non-null reference exists in the other model, within the same shop. #}
{% test refers_to(model, column, to, field=none) %}
    select child.shop_id, child.{{ column }} as missing, count(*) as row_count
    from {{ model }} as child
    left join
        {{ to }} as parent on parent.shop_id = child.shop_id and parent.{{ field or column }} = child.{{ column }}
    where child.{{ column }} is not null and parent.shop_id is null
    group by child.shop_id, child.{{ column }}
{% endtest %}
