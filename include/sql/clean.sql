{#
  How a raw Campus value becomes a clean one, in words that SQL Server (2017 and later), PostgreSQL and DuckDB share.
  unicode_type is nvarchar, and on PostgreSQL varchar, which is its own name for the same.
#}
{# Text without blanks around it; null if nothing is left. Each of Unicode's blanks is one. #}
{% macro text(column) -%}
NULLIF(TRIM({{ param('blanks') }} FROM CAST({{ column }} AS {{ unicode_type }}(200))), '')
{%- endmacro %}
{# A clean text that is a number, without a scale of zeros: 8.00 is the code 8. #}
{% macro whole(text) -%}
CASE
    {%- for zeros in ["0", "00", "000", "0000"] %}
    WHEN {{ text }} LIKE '%.{{ zeros }}' THEN REPLACE({{ text }}, '.{{ zeros }}', '')
    {%- endfor %}
    ELSE {{ text }}
END
{%- endmacro %}
{#
  1 if a check box is marked, 0 if not (null and blank too), 2 if the value is neither: bit, char(1), numbers of any
  scale and text alike.
#}
{% macro flag(column) -%}
CASE
    WHEN {{ column }} IS NULL THEN 0
    WHEN
        UPPER(TRIM(CAST({{ column }} AS {{ unicode_type }}(20))))
        IN ('1', '1.0', '1.00', '1.000', '1.0000', 'Y', 'YES', 'T', 'TRUE')
        THEN 1
    WHEN
        UPPER(TRIM(CAST({{ column }} AS {{ unicode_type }}(20))))
        IN ('', '0', '0.0', '0.00', '0.000', '0.0000', '.0', '.00', 'N', 'NO', 'F', 'FALSE')
        THEN 0
    ELSE 2
END
{%- endmacro %}
{# The day of a date, whatever its time part. #}
{% macro day(column) -%}
CAST({{ column }} AS date)
{%- endmacro %}
