{#
    Clicks to expect of impressions at a mean position, by the shop's own curve (`fct_ctr_curve` joined as `curve` by
    ctr_bucket). Positions between two whole ones interpolate; beyond 20 the rate is that of 20.
#}
{% macro expected_clicks(impressions, position_x100_impr) -%}
    {{ impressions }} * (
        curve.ctr
        + ({{ ratio(position_x100_impr, "100 * " ~ impressions) }} - curve.position_bucket)
        * (curve.next_ctr - curve.ctr)
    )
{%- endmacro %}

{% macro ctr_bucket(impressions, position_x100_impr) -%}
    least(20, cast(floor({{ ratio(position_x100_impr, "100 * " ~ impressions) }}) as bigint))
{%- endmacro %}
