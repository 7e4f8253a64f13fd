{#
    What DuckDB and PostgreSQL say or do differently, each in one macro. Everything else in the models is the same
    text on both: date_trunc, row_number, generate_series in FROM, count(distinct), group by.
#}
{# The text at a path of a JSON text, e.g. json_text('images', [0, 'url']); null where the path is missing. #}
{% macro json_text(json, path) -%} {{ return(adapter.dispatch("json_text")(json, path)) }} {%- endmacro %}

{% macro default__json_text(json, path) -%} json_extract_string({{ json }}, '$ {%- for part in path -%}
        {%- if part is number -%} [{{ part }}] {%- else -%} .{{ part }} {%- endif -%}
    {%- endfor -%}') {%- endmacro %}

{% macro postgres__json_text(json, path) -%}
    (cast({{ json }} as jsonb) #>> '{ {{- path | join(",") -}} }')
{%- endmacro %}

{# Whole-number sums: sum(bigint) is HUGEINT on DuckDB and NUMERIC on PostgreSQL, and null over no rows. #}
{% macro isum(expression) -%} cast(coalesce(sum({{ expression }}), 0) as bigint) {%- endmacro %}

{# a / b as double; null when b is 0. PostgreSQL would truncate integer / integer. #}
{% macro ratio(a, b) -%}
    cast({{ a }} as double precision) / nullif(cast({{ b }} as double precision), 0)
{%- endmacro %}

{# Half away from zero. round() of a double goes to the even neighbour on PostgreSQL. #}
{% macro iround(expression) -%} cast(floor({{ expression }} + 0.5) as bigint) {%- endmacro %}

{# A decimal amount in minor units; `factor` is 10 to the currency's exponent. Exact: no double is involved. #}
{% macro cents(amount, factor) -%} cast(round({{ amount }} * {{ factor }}, 0) as bigint) {%- endmacro %}

{# Days from date b to date a, as bigint. #}
{% macro day_diff(a, b) -%} cast({{ a }} - {{ b }} as bigint) {%- endmacro %}

{% macro add_days(day, n) -%}({{ day }} + cast({{ n }} as integer)) {%- endmacro %}

{% macro month_of(day) -%} cast(date_trunc('month', {{ day }}) as date) {%- endmacro %}

{# Whole months from the month of date b to the month of date a. #}
{% macro month_diff(a, b) -%}
    cast(
        (extract(year from {{ a }}) - extract(year from {{ b }})) * 12
        + extract(month from {{ a }})
        - extract(month from {{ b }}) as bigint
    )
{%- endmacro %}
