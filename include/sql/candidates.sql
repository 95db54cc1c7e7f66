-- Candidates of one scope year: the district's enrollments that carry any career-technical value and either belong to
-- a calendar of the year, the year before or the year after, or overlap the year; each with the first rule that
-- excludes it. What an index can serve is asked of the raw columns first, and only what is left is cleaned.
-- Parameters: district_number, scope_year, year_start and year_end (the school year's first and last day).
{% from "clean.sql" import text, whole, flag, day with context -%}

-- 1. The district's enrollments that may concern the year, as they stand in Campus: those of three years' calendars, and
--    of any other calendar those that may last into the year.
of_district AS (
    SELECT
        e.enrollment_id,
        e.person_id,
        e.start_date,
        e.end_date,
        e.service_type,
        e.career_cluster,
        e.cte_program_type,
        e.career_pathway,
        e.student_status,
        e.certification_status,
        e.no_show,
        {%- for rule in exclude_also if rule != "summer_school" %}
        e.{{ rule }},
        {%- endfor %}
        {%- if "summer_school" in exclude_also %}
        c.summer_school,
        {%- endif %}
        c.scope_year AS calendar_year,
        c.calendar_name,
        c.end_date AS calendar_end_date,
        c.calendar_exclude,
        s.school_number,
        s.school_name,
        s.school_exclude
    FROM campus_enrollment AS e
    INNER JOIN campus_calendar AS c ON e.calendar_id = c.calendar_id
    INNER JOIN campus_school AS s ON c.school_id = s.school_id
    WHERE
        e.district_id IN (
            SELECT d.district_id
            FROM campus_district AS d
            WHERE {{ text("d.district_number") }} = {{ param("district_number") }}
        )
        AND (
            c.scope_year BETWEEN {{ param("scope_year") }} - 1 AND {{ param("scope_year") }} + 1
            OR e.end_date >= CAST({{ param("year_start") }} AS date)
            OR (
                e.end_date IS NULL
                AND (
                    c.end_date IS NULL
                    OR c.end_date >= CAST({{ param("year_start") }} AS date)
                    OR e.start_date >= CAST({{ param("year_start") }} AS date)
                )
            )
        )
),

-- 2. Their flags, clean.
flagged AS (
    SELECT
        o.enrollment_id,
        o.person_id,
        o.start_date,
        o.end_date,
        o.service_type,
        o.career_cluster,
        o.cte_program_type,
        o.career_pathway,
        o.student_status,
        o.certification_status,
        o.calendar_year,
        o.calendar_name,
        o.calendar_end_date,
        o.school_number,
        o.school_name,
        {%- for rule in rules %}
        {{ flag("o." ~ rule) }} AS {{ rule }}{{ "," if not loop.last }}
        {%- endfor %}
    FROM of_district AS o
),

-- 3. Whether the student has an enrollment in the scope year: 2 if one is not itself excluded, 1 if that can't be read.
--    (A window, not a join: no plan of it is worse than a sort.)
attended AS (
    SELECT
        f.*,
        MAX(
            CASE
                WHEN f.calendar_year = {{ param("scope_year") }}
                    THEN
                        CASE
                            {%- for rule in rules %}
                            WHEN f.{{ rule }} = 1 THEN 0
                            {%- endfor %}
                            {%- for rule in rules %}
                            WHEN f.{{ rule }} = 2 THEN 1
                            {%- endfor %}
                            ELSE 2
                        END
                ELSE 0
            END
        ) OVER (PARTITION BY f.person_id) AS attends
    FROM flagged AS f
),

-- 4. Those with any career-technical value, clean.
enrollment AS (
    SELECT
        l.enrollment_id,
        l.person_id,
        l.calendar_year,
        l.attends,
        {{ day("l.start_date") }} AS start_date,
        {{ day("l.end_date") }} AS end_date,
        {{ day("l.calendar_end_date") }} AS calendar_end_date,
        {{ text("l.service_type") }} AS service_type,
        {{ text("l.career_cluster") }} AS career_cluster,
        {{ text("l.cte_program_type") }} AS cte_program_type,
        {{ text("l.career_pathway") }} AS career_pathway,
        {{ text("l.student_status") }} AS student_status,
        {{ text("l.certification_status") }} AS certification_status,
        {{ text("l.school_number") }} AS school_number,
        {{ text("l.school_name") }} AS school_name,
        {{ text("l.calendar_name") }} AS calendar_name,
        {%- for rule in rules %}
        l.{{ rule }}{{ "," if not loop.last }}
        {%- endfor %}
    FROM attended AS l
    WHERE l.career_cluster IS NOT NULL OR l.cte_program_type IS NOT NULL
),

-- 5. An enrollment that was never closed ends with its calendar, though not before it started; else it is open.
bounded AS (
    SELECT
        en.*,
        {{ whole("en.cte_program_type") }} AS program_type_code,
        CASE
            WHEN en.end_date IS NOT NULL THEN en.end_date
            WHEN en.calendar_end_date < en.start_date THEN en.start_date
            ELSE en.calendar_end_date
        END AS effective_end_date
    FROM enrollment AS en
),

-- 6. Both ends count. A record that ends before it starts lasts no day and overlaps nothing.
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

-- 7. The candidates. A record in a calendar of the year is itself an enrollment in the year: what excludes it, if
--    anything, is its own flags, not that the student has no other.
considered AS (
    SELECT
        dt.*,
        CASE
            WHEN dt.calendar_year = {{ param("scope_year") }} THEN 2
            ELSE dt.attends
        END AS has_enrollment
    FROM dated AS dt
    WHERE
        (dt.career_cluster IS NOT NULL OR dt.cte_program_type IS NOT NULL)
        AND (
            dt.overlaps = 1
            OR dt.calendar_year BETWEEN {{ param("scope_year") }} - 1 AND {{ param("scope_year") }} + 1
        )
),

-- 8. The rules, in the page's order: a record that several exclude bears the first. The flags come last, each a rule of
--    its name; one that is neither marked nor unmarked is no rule's: the reader refuses it by its name.
candidate AS (
    SELECT
        co.*,
        CASE
            {%- for rule in rules %}
            WHEN co.{{ rule }} = 2 THEN 'unreadable {{ rule }}'
            {%- endfor %}
            WHEN co.overlaps = 0 THEN 'no_overlap_with_scope_year'
            WHEN co.has_enrollment = 1 THEN 'unreadable other enrollment'
            WHEN co.has_enrollment = 0 THEN 'no_enrollment_in_scope_year'
            WHEN co.career_cluster IS NULL THEN 'career_cluster_blank'
            WHEN co.cte_program_type IS NULL THEN 'cte_program_type_blank'
            {%- for rule in rules %}
            WHEN co.{{ rule }} = 1 THEN '{{ rule }}'
            {%- endfor %}
        END AS excluded_by
    FROM considered AS co
)
