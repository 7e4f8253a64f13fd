{#
    The complementary error function of a column z >= 0, to a relative error of 1.2e-7 however small it is: so tiny
    p-values keep their order (Numerical Recipes, 3rd edition, section 6.2.2, erfcc). The exponent is kept above -700:
    below it PostgreSQL's exp() is an error and not zero.
#}
{% macro erfc(z) -%}
    {%- set t = "(1 / (1 + 0.5 * " ~ z ~ "))" -%}
    {%- set coefficients = [
        "1.00002368",
        "0.37409196",
        "0.09678418",
        "-0.18628806",
        "0.27886807",
        "-1.13520398",
        "1.48851587",
        "-0.82215223",
        "0.17087277",
    ] -%}
    {%- set ns = namespace(series="0") -%}
    {%- for coefficient in coefficients | reverse -%}
        {%- set ns.series = t ~ " * (" ~ coefficient ~ " + " ~ ns.series ~ ")" -%}
    {%- endfor -%}
    {{ t }} * exp(greatest(-{{ z }} * {{ z }} - 1.26551223 + {{ ns.series }}, -700))
{%- endmacro %}

{# P(X > statistic) of a chi-square with one degree of freedom. #}
{% macro chi_square_p(statistic) -%} least(1, {{ erfc("sqrt(" ~ statistic ~ " / 2)") }}) {%- endmacro %}

{# One cell of a log-likelihood ratio: observed × ln(observed ÷ expected), 0 for an empty cell. #}
{% macro likelihood_term(observed, row_total, column_total, total) -%}
    case
        when {{ observed }} > 0
        then
            cast({{ observed }} as double precision) * ln(
                cast({{ observed }} as double precision)
                * cast({{ total }} as double precision)
                / cast({{ row_total }} as double precision)
                / cast({{ column_total }} as double precision)
            )
        else 0
    end
{%- endmacro %}
