{#
    What DuckDB, PostgreSQL and Spark say or do differently, each in one macro. Everything else in the models is the
    same text on all: date_trunc, row_number, lag and lead, percentile_cont within group, count(distinct), group by.
    Not in models: qualify, filter (where), asof joins, distinct on, lists, ilike, a window ordered by what may be
    null, ntile over everything (one task on Spark). Regular expressions go through regex_replace.

    Type names are written as DuckDB and PostgreSQL know them: varchar, bigint, double precision. Spark gets its own
    names where a statement is sent, see spark_types at the end of this file.
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
{#
    Every match of a regular expression replaced; what starts with ^ or ends with $ matches once. Both are Jinja texts:
    a backslash is written twice, a group of the pattern is \\1. What the dialects of RE2, PostgreSQL and Java share:
    no classes in classes, no [:alnum:], an opening bracket in a class as \\x5b.
#}
{% macro regex_replace(text, pattern, replacement) -%}
    {{ return(adapter.dispatch("regex_replace")(text, pattern, replacement)) }}
{%- endmacro %}

{% macro default__regex_replace(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{# Spark replaces every match; a backslash in its texts starts an escape, and groups are Java's. #}
{% macro spark__regex_replace(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern | replace("\\", "\\\\") }}', '{{ replacement | replace("\\", "$") }}')
{%- endmacro %}

{# Before the bracket of a CTE that is read twice and should not be stored in between; Spark never stores one. #}
{% macro not_materialized() -%} {{ return(adapter.dispatch("not_materialized")()) }} {%- endmacro %}

{% macro default__not_materialized() -%} not materialized {%- endmacro %}

{% macro spark__not_materialized() -%} {%- endmacro %}

{# A statement, or the name of a type, with Spark's names of types. #}
{% macro spark_types(sql) -%}
    {% set with_double = modules.re.sub("(?i)\\bdouble precision\\b", "double", sql) %}
    {{ return(modules.re.sub("(?i)(\\bas |^)varchar\\b(?! *\\()", "\\1string", with_double)) }}
{%- endmacro %}

{#
    Contracts are checked on DuckDB and PostgreSQL. Spark counts rows and ranks in 32 bits, so there a table gets the
    types of its contract by casts.
#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language="sql") -%}
    {% set sql = spark_types(compiled_code) %}
    {% if not temporary and config.get("contract").enforced %}
        {% set casts = [] %}
        {% for name, column in model["columns"].items() %}
            {% do casts.append("cast(" ~ name ~ " as " ~ spark_types(column["data_type"]) ~ ") as " ~ name) %}
        {% endfor %}
        {% set sql = "select " ~ casts | join(", ") ~ " from (\n" ~ sql ~ "\n) as contracted" %}
    {% endif %}
    {{ return(dbt.spark__create_table_as(temporary, relation, sql, language)) }}
{%- endmacro %}

{% macro spark__create_view_as(relation, sql) -%}
    {{ return(dbt.spark__create_view_as(relation, spark_types(sql))) }}
{%- endmacro %}

{% macro spark__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    {{ return(dbt.default__get_test_sql(spark_types(main_sql), fail_calc, warn_if, error_if, limit)) }}
{%- endmacro %}

{% macro spark__get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
    {{
        return(
            dbt.default__get_unit_test_sql(spark_types(main_sql), expected_fixture_sql, expected_column_names)
        )
    }}
{%- endmacro %}

{# The types of a contract. #}
{% macro spark__get_empty_schema_sql(columns) -%}
    {% set typed = {} %}
    {% for name, column in columns.items() %}
        {% do typed.update({name: dict(column, data_type=spark_types(column["data_type"]))}) %}
    {% endfor %}
    {{ return(dbt.default__get_empty_schema_sql(typed)) }}
{%- endmacro %}

{# The types of a seed; its rows are loaded with the same model. #}
{% macro spark__create_csv_table(model, agate_table) -%}
    {% set types = model["config"]["column_types"] %}
    {% for column in types | list %} {% do types.update({column: spark_types(types[column])}) %} {% endfor %}
    {{ return(dbt.spark__create_csv_table(model, agate_table)) }}
{%- endmacro %}

{# dbt-spark's own ends a text at its first apostrophe, and makes "None" of a missing one. #}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {% set statements = [] %}
    {% for chunk in agate_table.rows | batch(get_batch_size()) %}
        {% set rows = [] %}
        {% for row in chunk %}
            {% set values = [] %}
            {% for name in agate_table.column_names %}
                {% set type = model["config"]["column_types"].get(
                    name, adapter.convert_type(agate_table, loop.index0)
                ) %}
                {% set text = row[name] | string | replace("\\", "\\\\") | replace("'", "\\'") %}
                {% do values.append(
                    "cast(" ~ ("null" if row[name] is none else "'" ~ text ~ "'") ~ " as " ~ type ~ ")"
                ) %}
            {% endfor %}
            {% do rows.append("(" ~ values | join(", ") ~ ")") %}
        {% endfor %}
        {% do statements.append("insert into " ~ this.render() ~ " values " ~ rows | join(", ")) %}
        {% do adapter.add_query(statements[-1], abridge_sql_log=True) %}
    {% endfor %}
    {{ return(statements[0]) }}
{%- endmacro %}
