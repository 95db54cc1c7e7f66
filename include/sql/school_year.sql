-- The dates that the School Years editor gives a scope year. One row: start_date, end_date, either null if not given.
-- Parameter: scope_year.
{% from "clean.sql" import day with context -%}
WITH
{% include "campus_mapping.sql" %}

SELECT
    MIN({{ day("sy.start_date") }}) AS start_date,
    MAX({{ day("sy.end_date") }}) AS end_date
FROM campus_school_year AS sy
WHERE sy.scope_year = {{ param("scope_year") }}
