{#
    A search query in lower case as words with `gap` between them. What separates words is listed, because
    [:alnum:] means ASCII alone on DuckDB, where a Japanese or Greek name would be nothing but separators.
#}
{% macro words(text, gap) -%}
    {{ regex_replace("lower(" ~ text ~ ")", "[ -/:-@\\x5b-\\x60{-~‘’“”–—]+", gap) }}
{%- endmacro %}

{# One row a word of a text whose words are separated by single spaces; for the select list. #}
{% macro split_words(text) -%} {{ return(adapter.dispatch("split_words")(text)) }} {%- endmacro %}

{% macro default__split_words(text) -%} unnest(string_split({{ text }}, ' ')) {%- endmacro %}

{% macro postgres__split_words(text) -%} unnest(string_to_array({{ text }}, ' ')) {%- endmacro %}

{% macro spark__split_words(text) -%} explode(split({{ text }}, ' ')) {%- endmacro %}

{# An English word without the s of its plural; "brass" and "gas" keep theirs. #}
{% macro singular(word) -%}
    case
        when length({{ word }}) > 3 and {{ word }} like '%s' and {{ word }} not like '%ss'
        then substr({{ word }}, 1, length({{ word }}) - 1)
        else {{ word }}
    end
{%- endmacro %}
