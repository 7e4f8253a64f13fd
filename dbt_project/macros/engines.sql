{#
    What DuckDB, PostgreSQL and Spark say or do differently, each in one macro. Everything else in the models is the
    same text on all: date_trunc, row_number, lag and lead, percentile_cont within group, count(distinct), group by.
    Not in models: qualify, filter (where), asof joins, distinct on, lists, ilike, a window ordered by what may be
    null, ntile over everything (one task on Spark).
#}
{# The text at a path of a JSON text, e.g. json_text('images', [0, 'url']); null where the path is missing. #}
{% macro json_text(json, path) -%} {{ return(adapter.dispatch("json_text")(json, path)) }} {%- endmacro %}

{% macro default__json_text(json, path) -%} json_extract_string({{ json }}, '$ {%- for part in path -%}
        {%- if part is number -%} [{{ part }}] {%- else -%} .{{ part }} {%- endif -%}
    {%- endfor -%}') {%- endmacro %}

{% macro postgres__json_text(json, path) -%}
    (cast({{ json }} as jsonb) #>> '{ {{- path | join(",") -}} }')
{%- endmacro %}

{% macro spark__json_text(json, path) -%} get_json_object({{ json }}, '$ {%- for part in path -%}
        {%- if part is number -%} [{{ part }}] {%- else -%} .{{ part }} {%- endif -%}
    {%- endfor -%}') {%- endmacro %}

{# Whole-number sums: sum(bigint) is HUGEINT on DuckDB and NUMERIC on PostgreSQL, and null over no rows. #}
{% macro isum(expression) -%} cast(coalesce(sum({{ expression }}), 0) as bigint) {%- endmacro %}

{# a / b as double; null when b is 0. PostgreSQL would truncate integer / integer. #}
{% macro ratio(a, b) -%}
    cast({{ a }} as double precision) / nullif(cast({{ b }} as double precision), 0)
{%- endmacro %}

{# Half away from zero. round() of a double goes to the even neighbour on PostgreSQL. #}
{% macro iround(expression) -%} cast(floor({{ expression }} + 0.5) as bigint) {%- endmacro %}

{#
    A decimal amount in minor units; `factor` is 10 to the currency's exponent. Exact: no double is involved. As a
    bigint the factor would make the product a decimal of 37 digits, several times as slow.
#}
{% macro cents(amount, factor) -%}
    cast(round({{ amount }} * cast({{ factor }} as decimal(5, 0)), 0) as bigint)
{%- endmacro %}

{# Days from date b to date a, as bigint. #}
{% macro day_diff(a, b) -%} {{ return(adapter.dispatch("day_diff")(a, b)) }} {%- endmacro %}

{% macro default__day_diff(a, b) -%} cast({{ a }} - {{ b }} as bigint) {%- endmacro %}

{% macro spark__day_diff(a, b) -%} cast(datediff({{ a }}, {{ b }}) as bigint) {%- endmacro %}

{# The date n days later; n is a whole number or an expression of one. #}
{% macro add_days(day, n) -%} {{ return(adapter.dispatch("add_days")(day, n)) }} {%- endmacro %}

{% macro default__add_days(day, n) -%} ({{ day }} + cast({{ n }} as integer)) {%- endmacro %}

{% macro spark__add_days(day, n) -%} date_add({{ day }}, cast({{ n }} as integer)) {%- endmacro %}

{# The date n months later; n is a whole number or an expression of one. #}
{% macro add_months(day, n) -%} {{ return(adapter.dispatch("add_months")(day, n)) }} {%- endmacro %}

{% macro default__add_months(day, n) -%}
    cast({{ day }} + cast({{ n }} as integer) * interval '1 month' as date)
{%- endmacro %}

{% macro spark__add_months(day, n) -%} add_months({{ day }}, cast({{ n }} as integer)) {%- endmacro %}

{# A relation of the whole numbers 0 to `last` in a column n, to be given a name: from {{ whole_numbers(30) }} as numbers. #}
{% macro whole_numbers(last) -%} {{ return(adapter.dispatch("whole_numbers")(last)) }} {%- endmacro %}

{% macro default__whole_numbers(last) -%}
    (select cast(series.n as integer) as n from generate_series(0, {{ last }}) as series(n))
{%- endmacro %}

{% macro spark__whole_numbers(last) -%}(select explode(sequence(0, {{ last }})) as n) {%- endmacro %}

{# The Monday of a date's ISO week. #}
{% macro week_of(day) -%} cast(date_trunc('week', {{ day }}) as date) {%- endmacro %}

{% macro month_of(day) -%} cast(date_trunc('month', {{ day }}) as date) {%- endmacro %}

{# Whole months from the month of date b to the month of date a. #}
{% macro month_diff(a, b) -%}
    cast(
        (extract(year from {{ a }}) - extract(year from {{ b }})) * 12
        + extract(month from {{ a }})
        - extract(month from {{ b }}) as bigint
    )
{%- endmacro %}
