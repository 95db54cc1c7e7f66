{#
  How a raw Campus value becomes a clean one, in words that SQL Server (2017 and later), PostgreSQL and DuckDB share.
  unicode_type is nvarchar, and on PostgreSQL varchar, which is its own name for the same.
#}
{# Text without blanks around it; null if nothing is left. Each of Unicode's blanks is one. #}
{% macro text(column) -%}
NULLIF(TRIM({{ param('blanks') }} FROM CAST({{ column }} AS {{ unicode_type }}(200))), '')
{%- endmacro %}
{#
  A clean text that is a number, without a fraction of zeros, however many: 8.00 is the code 8. Of digits and points
  alone, with one point that is neither first nor last and only zeros after it. (To SQL Server ' ' is '', so something
  is put behind what may be empty.)
#}
{% macro whole(text) -%}
CASE
    WHEN
        CONCAT(TRIM('0123456789.' FROM {{ text }}), '|') = '|'
        AND TRIM('.' FROM {{ text }}) = {{ text }}
        AND REPLACE({{ before_point(text) }}, '.', '') = {{ before_point(text) }}
        AND CONCAT({{ before_point(text) }}, '.') = RTRIM(REPLACE({{ text }}, '0', ' '))
        THEN REPLACE({{ before_point(text) }}, ' ', '0')
    ELSE {{ text }}
END
{%- endmacro %}
{# With blanks for its zeros. #}
{% macro before_point(text) -%}
TRIM('.' FROM RTRIM(REPLACE({{ text }}, '0', ' ')))
{%- endmacro %}
{#
  1 if a check box is marked, 0 if not (null and blank too), 2 if the value is neither: bit, char(1), numbers of any
  scale and text alike. Emptiness is asked of the first character's code: to SQL Server a control character is ''.
#}
{% macro flag(column) -%}
CASE
    WHEN {{ column }} IS NULL THEN 0
    WHEN COALESCE(ASCII({{ mark(column) }}), 0) = 0 THEN 0
    WHEN {{ mark(column) }} IN ('0', 'N', 'NO', 'F', 'FALSE') THEN 0
    WHEN {{ mark(column) }} IN ('1', 'Y', 'YES', 'T', 'TRUE') THEN 1
    WHEN {{ mark(column) }} <> '.' AND TRIM('0' FROM {{ mark(column) }}) = '.' THEN 0
    WHEN TRIM('0' FROM {{ mark(column) }}) = '1.' THEN 1
    ELSE 2
END
{%- endmacro %}
{% macro mark(column) -%}
UPPER(TRIM({{ param('blanks') }} FROM CAST({{ column }} AS {{ unicode_type }}(200))))
{%- endmacro %}
{# The day of a date, whatever its time part. #}
{% macro day(column) -%}
CAST({{ column }} AS date)
{%- endmacro %}
