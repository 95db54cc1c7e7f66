-- Campus's code lists, one row a field and code: field, code_key (upper case, to compare by), code, name.
{% from "clean.sql" import text with context -%}
listed AS (
    SELECT
        c.field,
        {{ text("c.code") }} AS code,
        {{ text("c.name") }} AS name
    FROM campus_code AS c
    WHERE c.field IS NOT NULL
),

code_list AS (
    SELECT
        l.field,
        UPPER(l.code) AS code_key,
        MIN(l.code) AS code,
        MIN(l.name) AS name
    FROM listed AS l
    WHERE l.code IS NOT NULL
    GROUP BY l.field, UPPER(l.code)
)
