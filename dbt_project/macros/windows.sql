{# Sums over the newest 28 complete days, the 28 before them, or the same 28 a year before, of rows joined to int_windows. #}
{% macro window_sum(measure) -%}
    {{ isum("case when date_day between window_start and window_end then " ~ measure ~ " end") }}
{%- endmacro %}

{% macro prior_sum(measure) -%}
    {{ isum("case when date_day between prior_start and prior_end then " ~ measure ~ " end") }}
{%- endmacro %}

{% macro last_year_sum(measure) -%}
    {{ isum("case when date_day between last_year_start and last_year_end then " ~ measure ~ " end") }}
{%- endmacro %}
