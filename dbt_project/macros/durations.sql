{# Whole seconds from timestamp b to timestamp a, as bigint. #}
{% macro second_diff(a, b) -%} {{ return(adapter.dispatch("second_diff")(a, b)) }} {%- endmacro %}

{% macro default__second_diff(a, b) -%} {{ iround("extract(epoch from (" ~ a ~ " - " ~ b ~ "))") }} {%- endmacro %}

{% macro spark__second_diff(a, b) -%}
    {{
        iround(
            "(unix_micros(cast("
            ~ a
            ~ " as timestamp_ltz)) - unix_micros(cast("
            ~ b
            ~ " as timestamp_ltz))) / 1000000"
        )
    }}
{%- endmacro %}

{# Hours from timestamp b to timestamp a, as double. #}
{% macro hour_diff(a, b) -%} {{ ratio(second_diff(a, b), "3600") }} {%- endmacro %}

{#
    The p-th percentile, in hours, of the time from timestamp b to timestamp a. Interpolated and rounded in seconds:
    fractions of hours would differ in their last digit from engine to engine.
#}
{% macro percentile_hours(p, a, b) -%}
    {{ ratio(iround("percentile_cont(" ~ p ~ ") within group (order by " ~ second_diff(a, b) ~ ")"), "3600") }}
{%- endmacro %}
