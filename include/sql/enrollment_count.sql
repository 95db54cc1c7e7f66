-- How many enrollments the district has in calendars of the scope year, whatever career-technical values they carry: the
-- proof that Campus was readable when no candidate came. One row: enrollments.
-- Parameters: district_number, scope_year.
{% from "clean.sql" import text with context -%}
WITH
{% include "campus_mapping.sql" %}

SELECT COUNT(*) AS enrollments
FROM campus_enrollment AS e
INNER JOIN campus_calendar AS c ON e.calendar_id = c.calendar_id
INNER JOIN campus_district AS d ON e.district_id = d.district_id
WHERE c.scope_year = {{ param("scope_year") }} AND {{ text("d.district_number") }} = {{ param("district_number") }}
