-- Candidates of one scope year: the district's enrollments that carry any career-technical value and either belong to
-- a calendar of the year, the year before or the year after, or overlap the year; each with the first rule that
-- excludes it.
-- Parameters: district_number, scope_year, year_start and year_end (the school year's first and last day).
{% from "clean.sql" import text, flag, day with context -%}

-- 1. The district's enrollments, cleaned, with the calendar and the school in which the student is enrolled.
enrollment AS (
    SELECT
        e.enrollment_id,
        e.person_id,
        c.scope_year AS calendar_year,
        {{ day("e.start_date") }} AS start_date,
        {{ day("e.end_date") }} AS end_date,
        {{ day("c.end_date") }} AS calendar_end_date,
        {{ text("e.service_type") }} AS service_type,
        {{ text("e.career_cluster") }} AS career_cluster,
        {{ text("e.cte_program_type") }} AS cte_program_type,
        {{ text("e.career_pathway") }} AS career_pathway,
        {{ text("e.student_status") }} AS student_status,
        {{ text("e.certification_status") }} AS certification_status,
        {{ text("s.school_number") }} AS school_number,
        {{ text("s.school_name") }} AS school_name,
        {{ text("c.calendar_name") }} AS calendar_name,
        {{ flag("c.calendar_exclude") }} AS calendar_exclude,
        {{ flag("s.school_exclude") }} AS school_exclude,
        {{ flag("e.no_show") }} AS no_show
    FROM campus_enrollment AS e
    INNER JOIN campus_calendar AS c ON e.calendar_id = c.calendar_id
    INNER JOIN campus_school AS s ON c.school_id = s.school_id
    WHERE e.district_id IN (
        SELECT d.district_id
        FROM campus_district AS d
        WHERE {{ text("d.district_number") }} = {{ param("district_number") }}
    )
),

-- 2. An enrollment that was never closed ends with its calendar, though not before it started; else it is open.
bounded AS (
    SELECT
        en.*,
        CASE
            WHEN en.end_date IS NOT NULL THEN en.end_date
            WHEN en.calendar_end_date < en.start_date THEN en.start_date
            ELSE en.calendar_end_date
        END AS effective_end_date
    FROM enrollment AS en
),

-- 3. Both ends count. A record that ends before it starts lasts no day and overlaps nothing.
dated AS (
    SELECT
        b.*,
        CASE
            WHEN b.effective_end_date < b.start_date THEN 0
            WHEN b.start_date > CAST({{ param("year_end") }} AS date) THEN 0
            WHEN b.effective_end_date < CAST({{ param("year_start") }} AS date) THEN 0
            ELSE 1
        END AS overlaps
    FROM bounded AS b
),

-- 4. The students with an enrollment in the scope year that is not itself excluded.
attending AS (
    SELECT DISTINCT en.person_id
    FROM enrollment AS en
    WHERE
        en.calendar_year = {{ param("scope_year") }}
        AND en.calendar_exclude = 0
        AND en.school_exclude = 0
        AND en.no_show = 0
),

-- 5. The candidates. A record in a calendar of the year is itself an enrollment in the year: what excludes it, if
--    anything, is its own flags, not that the student has no other.
considered AS (
    SELECT
        dt.*,
        CASE
            WHEN dt.calendar_year = {{ param("scope_year") }} THEN 1
            WHEN a.person_id IS NOT NULL THEN 1
            ELSE 0
        END AS has_enrollment
    FROM dated AS dt
    LEFT JOIN attending AS a ON dt.person_id = a.person_id
    WHERE
        (dt.career_cluster IS NOT NULL OR dt.cte_program_type IS NOT NULL)
        AND (
            dt.overlaps = 1
            OR dt.calendar_year BETWEEN {{ param("scope_year") }} - 1 AND {{ param("scope_year") }} + 1
        )
),

-- 6. The rules, in the page's order: a record that several exclude bears the first.
candidate AS (
    SELECT
        co.*,
        CASE
            WHEN co.overlaps = 0 THEN 'no_overlap_with_scope_year'
            WHEN co.has_enrollment = 0 THEN 'no_enrollment_in_scope_year'
            WHEN co.career_cluster IS NULL THEN 'career_cluster_blank'
            WHEN co.cte_program_type IS NULL THEN 'cte_program_type_blank'
            WHEN co.calendar_exclude = 1 THEN 'calendar_exclude'
            WHEN co.school_exclude = 1 THEN 'school_exclude'
            WHEN co.no_show = 1 THEN 'no_show'
        END AS excluded_by
    FROM considered AS co
)
