{#
    The key of a page: the path of its URL without scheme, host, query and fragment, in lower case, without a
    trailing slash; the home page is '/'. A product seen through a collection is the product.
    Called once a distinct URL, in int_page_urls.
#}
{% macro page_key(url) -%}
    coalesce(
        nullif(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(lower({{ url }}), '^[a-z][a-z0-9+.-]*://[^/?#]*', ''), '[?#].*$', ''
                    ),
                    '^/collections/[^/]+(/products/[^/]+)',
                    '\1'
                ),
                '/+$',
                ''
            ),
            ''
        ),
        '/'
    )
{%- endmacro %}

{# HTML as plain text on one line. #}
{% macro plain_text(html) -%}
    trim(
        regexp_replace(
            replace(
                replace(
                    replace(
                        replace(
                            replace(
                                replace(regexp_replace({{ html }}, '<[^>]*>', ' ', 'g'), '&nbsp;', ' '),
                                '&lt;',
                                '<'
                            ),
                            '&gt;',
                            '>'
                        ),
                        '&quot;',
                        '"'
                    ),
                    '&#39;',
                    ''''
                ),
                '&amp;',
                '&'
            ),
            '\s+',
            ' ',
            'g'
        )
    )
{%- endmacro %}
