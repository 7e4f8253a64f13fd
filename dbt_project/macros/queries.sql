{#
    A search query in lower case as words with `gap` between them. What separates words is listed, because
    [:alnum:] means ASCII alone on DuckDB, where a Japanese or Greek name would be nothing but separators.
#}
{% macro words(text, gap) -%}
    {{ regex_replace("lower(" ~ text ~ ")", "[ -/:-@\\x5b-\\x60{-~‘’“”–—]+", gap) }}
{%- endmacro %}
