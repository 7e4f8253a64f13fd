{#
    The key of a page: the path of its URL without scheme, host, query and fragment, in lower case, without a
    trailing slash; the home page is '/'. A product seen through a collection is the product.
    Called once a distinct URL, in int_page_urls.
#}
{% macro page_key(url) -%}
    {%- set without_host = regex_replace("lower(" ~ url ~ ")", "^[a-z][a-z0-9+.-]*://[^/?#]*", "") -%}
    {%- set path = regex_replace(without_host, "[?#].*$", "") -%}
    {%- set product = regex_replace(path, "^/collections/[^/]+(/products/[^/]+)", "\\1") -%}
    coalesce(nullif({{ regex_replace(product, "/+$", "") }}, ''), '/')
{%- endmacro %}

{# HTML as plain text on one line. #}
{% macro plain_text(html) -%}
    {%- set decoded = {"text": regex_replace(html, "<[^>]*>", " ")} -%}
    {%- for entity, character in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&#39;", "''"),
        ("&amp;", "&"),
    ] -%}
        {%- do decoded.update(text="replace(" ~ decoded.text ~ ", '" ~ entity ~ "', '" ~ character ~ "')") -%}
    {%- endfor -%}
    trim({{ regex_replace(decoded.text, "\\s+", " ") }})
{%- endmacro %}

{# A like pattern of bodies with the links that were written below the text: the block of actions/body_html.py. #}
{% macro marked_links() -%} '%<div class="growth-related-links">%' {%- endmacro %}

{# HTML without these links. #}
{% macro without_links(html) -%}
    {{ regex_replace(html, '<div class="growth-related-links">(.|\\n)*?</div>', "") }}
{%- endmacro %}
