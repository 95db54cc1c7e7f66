-- Campus's code lists, one row a field and code: field, code_key (upper case, to compare by), code, name, labels,
-- unreadable. Of several labels of one code an active one is taken, of those the alphabetically first; labels counts
-- them. unreadable is 1 if the mark that decides between them is neither marked nor unmarked.
{% from "clean.sql" import text, whole, flag with context -%}
raw_code AS (
    SELECT
        c.field,
        {{ text("c.code") }} AS code,
        {{ text("c.name") }} AS name,
        {{ flag("c.active") }} AS active
    FROM campus_code AS c
    WHERE c.field IS NOT NULL
),

listed AS (
    SELECT
        r.field,
        {{ whole("r.code") }} AS code,
        r.name,
        CASE WHEN r.active = 1 THEN r.name END AS active_name,
        CASE WHEN r.active = 2 THEN 1 ELSE 0 END AS unreadable
    FROM raw_code AS r
),

code_list AS (
    SELECT
        l.field,
        UPPER(l.code) AS code_key,
        MIN(l.code) AS code,
        COALESCE(MIN(l.active_name), MIN(l.name)) AS name,
        CASE WHEN MIN(l.active_name) IS NULL THEN COUNT(DISTINCT l.name) ELSE COUNT(DISTINCT l.active_name) END AS labels,
        CASE WHEN COUNT(DISTINCT l.name) > 1 THEN MAX(l.unreadable) ELSE 0 END AS unreadable
    FROM listed AS l
    WHERE l.code IS NOT NULL
    GROUP BY l.field, UPPER(l.code)
)
