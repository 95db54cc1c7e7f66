-- The one file that names Campus's tables and columns. A district whose Campus differs copies this file, edits the
-- copy and points the setting sql_dir at its folder; nothing else needs to change. "edfi-cte check" and each run's
-- preflight compare every name below with INFORMATION_SCHEMA and report the line of a name that is not there.
--
-- How to edit
--   * Left of AS stands Campus, right of AS our name. Change the left side only; keep every name on the right.
--   * Write each column with its table's alias, as in e.startDate, so that the check can find it.
--   * Clean nothing here: nulls, blanks, time parts and bit or char(1) flags are dealt with by the queries.
--   * One row per enrollment_id in campus_enrollment, one per person_id in campus_person.
--
-- What is known of each name
--   seen     in public SQL that runs against a real Campus: District, School, Calendar, Person, Enrollment,
--            CampusAttribute, CampusDictionary, SchoolYear.endYear, and their columns unless named in the next lines
--   assumed  EnrollmentMO and its columns, School.exclude, SchoolYear.startDate and endDate, Person.edFiID, and the
--            values of CampusAttribute.object and element: verify these first. GradeLevel and its columns too, which
--            are read only where the setting exclude_also names grade_level_exclude
--
-- Other places where the two Missouri fields may be kept
--   on Enrollment itself   drop the join to EnrollmentMO, write e.careerCluster and e.cteProgramType
--   as custom fields       see examples/custom_fields/campus_mapping.sql
campus_district AS (
    SELECT
        d.districtID AS district_id,
        d.number AS district_number
    FROM dbo.District AS d
),

campus_school_year AS (
    SELECT
        sy.endYear AS scope_year,
        sy.startDate AS start_date,
        sy.endDate AS end_date
    FROM dbo.SchoolYear AS sy
),

campus_school AS (
    SELECT
        s.schoolID AS school_id,
        s.number AS school_number,
        s.name AS school_name,
        s.exclude AS school_exclude
    FROM dbo.School AS s
),

campus_calendar AS (
    SELECT
        c.calendarID AS calendar_id,
        c.schoolID AS school_id,
        c.endYear AS scope_year,
{% if "summer_school" in exclude_also %}        c.summerSchool AS summer_school,{% endif %}
        c.name AS calendar_name,
        c.endDate AS end_date,
        c.exclude AS calendar_exclude
    FROM dbo.Calendar AS c
),

campus_person AS (
    SELECT
        p.personID AS person_id,
        -- stateID, edFiID or studentNumber: the setting student_id
        p.{{ student_id }} AS student_unique_id
    FROM dbo.Person AS p
),

campus_enrollment AS (
    SELECT
        e.enrollmentID AS enrollment_id,
        e.personID AS person_id,
        e.calendarID AS calendar_id,
        e.districtID AS district_id,
        e.serviceType AS service_type,
        e.startDate AS start_date,
        e.endDate AS end_date,
{% if "grade_level_exclude" in exclude_also %}        gl.exclude AS grade_level_exclude,{% endif %}
        e.noShow AS no_show,
{% if "enrollment_state_exclude" in exclude_also %}        e.stateExclude AS enrollment_state_exclude,{% endif %}
        mo.careerCluster AS career_cluster,
        mo.cteProgramType AS cte_program_type,
        -- Optional, for the resource preferences of these names.
        -- certification_status is 'passing', 'attempted' or null.
        NULL AS career_pathway,
        NULL AS student_status,
        NULL AS certification_status
    FROM dbo.Enrollment AS e
    LEFT JOIN dbo.EnrollmentMO AS mo ON e.enrollmentID = mo.enrollmentID
{% if "grade_level_exclude" in exclude_also %}    LEFT JOIN dbo.GradeLevel AS gl ON e.structureID = gl.structureID AND e.grade = gl.name{% endif %}
),

campus_code AS (
    SELECT
        -- which of our fields the code list belongs to; null for every other list
        CASE
            WHEN a.object = 'EnrollmentMO' AND a.element = 'careerCluster' THEN 'career_cluster'
            WHEN a.object = 'EnrollmentMO' AND a.element = 'cteProgramType' THEN 'cte_program_type'
        END AS field,
        cd.code AS code,
        cd.name AS name,
        -- if your code lists mark the codes that are in use, that column: its label goes before another of the same code
        NULL AS active
    FROM dbo.CampusAttribute AS a
    INNER JOIN dbo.CampusDictionary AS cd ON a.attributeID = cd.attributeID
)
