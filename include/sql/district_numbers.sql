-- The State District Number of every district in this Campus. One row a district: district_number.
{% from "clean.sql" import text with context -%}
WITH
{% include "campus_mapping.sql" %},

district AS (
    SELECT {{ text("d.district_number") }} AS district_number
    FROM campus_district AS d
)

SELECT DISTINCT district.district_number
FROM district
WHERE district.district_number IS NOT NULL
ORDER BY district.district_number
