{#
    Models that are rebuilt from a day on. Which day is written to raw._rebuilt_from before a build (not a variable:
    that would cost a full parse); a full refresh asks nobody. The rows of the days from then on are deleted and
    inserted anew, so a day of which nothing is left is empty afterwards. Where an address means another page than
    it did when the models were built (raw._built_url), every day is counted anew.
#}
{% macro rebuilt_from() -%}
    {%- set found = run_query(
        "select cast(min(since) as varchar(10)) as since from raw._rebuilt_from where model= '"
        ~ model["name"]
        ~ "' and not exists (select 1 from intermediate.int_page_urls as urls"
        ~ " join raw._built_url as built on built.shop_id = urls.shop_id and built.raw_url = urls.raw_url"
        ~ " where built.page_key <> urls.page_key)"
    ) -%}
    cast('{{ found.rows[0][0] or "0001-01-01" }}' as date)
{%- endmacro %}

{# Whether a row of this day is to be counted in this build. A unit test has no table of its own (`this`). #}
{% macro is_rebuilt(day) -%}
    {%- if this and is_incremental() -%} {{ day }} >= {{ rebuilt_from() }} {%- else -%} true {%- endif -%}
{%- endmacro %}

{# The incremental strategy `days`, on the column date_day. On Spark these models are plain tables. #}
{% macro get_incremental_days_sql(arguments) -%}
    {%- set columns = arguments["dest_columns"] | map(attribute="quoted") | join(", ") -%}
    {%- set target = arguments["target_relation"] -%}
    {{
        return(
            "delete from "
            ~ target
            ~ " where date_day >= "
            ~ rebuilt_from()
            ~ "; insert into "
            ~ target
            ~ " ("
            ~ columns
            ~ ") select "
            ~ columns
            ~ " from "
            ~ arguments["temp_relation"]
        )
    }}
{%- endmacro %}
