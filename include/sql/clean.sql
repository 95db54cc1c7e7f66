{#
  How a raw Campus value becomes a clean one, in words that SQL Server (2017 and later), PostgreSQL and DuckDB share.
  unicode_type is nvarchar, and on PostgreSQL varchar, which is its own name for the same.
#}
{# Text without blanks around it; null if nothing is left. Tabs, line ends and no-break spaces are blanks too. #}
{% macro text(column) -%}
NULLIF(TRIM({{ param('blanks') }} FROM CAST({{ column }} AS {{ unicode_type }}(200))), '')
{%- endmacro %}
{# 1 if a check box is marked, else 0: bit, char(1) and text flags alike; null counts as not marked. #}
{% macro flag(column) -%}
CASE WHEN UPPER(TRIM(CAST({{ column }} AS {{ unicode_type }}(10)))) IN ('1', 'Y', 'YES', 'T', 'TRUE') THEN 1 ELSE 0 END
{%- endmacro %}
{# The day of a date, whatever its time part. #}
{% macro day(column) -%}
CAST({{ column }} AS date)
{%- endmacro %}
