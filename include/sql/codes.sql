{#
  Campus's code lists, one row a field and code: field, code (upper case, for comparing), name.
#}
{% from "clean.sql" import text with context %}
code_list AS (
    SELECT
        c.field,
        UPPER({{ text("c.code") }}) AS code,
        MIN({{ text("c.name") }}) AS name
    FROM campus_code AS c
    WHERE c.field IS NOT NULL AND {{ text("c.code") }} IS NOT NULL
    GROUP BY c.field, UPPER({{ text("c.code") }})
)
