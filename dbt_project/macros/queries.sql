{#
    A search query in lower case as words with `gap` between them. What separates words is listed, because
    [:alnum:] means ASCII alone on DuckDB, where a Japanese or Greek name would be nothing but separators.
#}
{% macro words(text, gap) -%}
    regexp_replace(lower({{ text }}), '[ -/:-@[-`{-~‘’“”–—]+', '{{ gap }}', 'g')
{%- endmacro %}

{# One row a word of a text whose words are separated by single spaces; for the select list. #}
{% macro split_words(text) -%} {{ return(adapter.dispatch("split_words")(text)) }} {%- endmacro %}

{% macro default__split_words(text) -%} unnest(string_split({{ text }}, ' ')) {%- endmacro %}

{% macro postgres__split_words(text) -%} unnest(string_to_array({{ text }}, ' ')) {%- endmacro %}

{% macro spark__split_words(text) -%} explode(split({{ text }}, ' ')) {%- endmacro %}

{# An English word without the s of its plural; "brass" and "gas" keep theirs. #}
{% macro singular(word) -%}
    case when length({{ word }}) > 3 then regexp_replace({{ word }}, '([^s])s$', '\1') else {{ word }} end
{%- endmacro %}
