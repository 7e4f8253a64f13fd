{#
    Texts as one whole number, to group and join tens of millions of rows by: a Shopify gid is 30 bytes, and a join on
    it four times as dear. The number differs from engine to engine and release to release, so no mart shows it. Two
    of ten million keys share one with a chance of one in 180,000.
#}
{% macro hash_key(columns) -%} {{ return(adapter.dispatch("hash_key")(columns)) }} {%- endmacro %}

{% macro default__hash_key(columns) -%} cast(hash({{ columns | join(", ") }}) >> 1 as bigint) {%- endmacro %}

{% macro postgres__hash_key(columns) -%}
    {%- set ns = namespace(seed="0") -%}
    {%- for column in columns -%}
        {%- set ns.seed = "hashtextextended(" ~ column ~ ", " ~ ns.seed ~ ")" -%}
    {%- endfor -%}
    {{ ns.seed }}
{%- endmacro %}

{% macro spark__hash_key(columns) -%} xxhash64({{ columns | join(", ") }}) {%- endmacro %}
