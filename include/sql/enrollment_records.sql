-- One row per candidate enrollment of the scope year, in the order of enrollment_id, with the rule that excludes it or
-- null. total_records is the database's own count of these rows, so that a stream cut short is noticed. The school and
-- the calendar are for reports and pages; nothing of them is sent.
-- Parameters: district_number, scope_year, year_start, year_end; and where single enrollments are asked for, their ids.
{% from "clean.sql" import text, whole with context -%}
WITH
{% include "campus_mapping.sql" %},

{% include "candidates.sql" %},

{% include "code_list.sql" %},

raw_student AS (
    SELECT
        p.person_id,
        {{ text("p.student_unique_id") }} AS student_unique_id
    FROM campus_person AS p
),

student AS (
    SELECT
        r.person_id,
        {{ whole("r.student_unique_id") }} AS student_unique_id
    FROM raw_student AS r
)

SELECT
    k.enrollment_id,
    st.student_unique_id,
    k.start_date,
    k.end_date,
    k.service_type,
    k.program_type_code AS cte_program_type,
    program_type.name AS cte_program_type_name,
    {{ whole("k.career_cluster") }} AS career_cluster,
    k.career_pathway,
    k.student_status,
    k.certification_status,
    CASE
        WHEN k.excluded_by IS NULL AND program_type.unreadable = 1 THEN 'unreadable active of the code list'
        ELSE k.excluded_by
    END AS excluded_by,
    k.school_number,
    k.school_name,
    k.calendar_name,
    COUNT(*) OVER () AS total_records
FROM candidate AS k
LEFT JOIN student AS st ON k.person_id = st.person_id
LEFT JOIN code_list AS program_type
    ON program_type.field = 'cte_program_type' AND UPPER(k.program_type_code) = program_type.code_key
{% if ids is defined -%}
WHERE k.enrollment_id IN ({% for id in ids %}{{ ", " if not loop.first }}{{ param(id) }}{% endfor %})
{% endif -%}
ORDER BY k.enrollment_id
