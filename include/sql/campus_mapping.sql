-- The one file that names Campus's tables and columns. A district whose Campus differs copies this file, edits the
-- copy and points the setting sql_dir at its folder; nothing else needs to change. "edfi-cte check" and each run's
-- preflight compare every name below with INFORMATION_SCHEMA and report the line of a name that is not there.
--
-- How to edit
--   * Left of AS stands Campus, right of AS our name. Change the left side only; keep every name on the right.
--   * Write each column with its table's alias, as in e.startDate, so that the check can find it.
--   * Lines with braces and percent signs choose between the parts: leave them, or keep the part that your Campus has.
--   * Clean nothing here: nulls, blanks, time parts and bit or char(1) flags are dealt with by the queries.
--   * One row per enrollment_id in campus_enrollment, one per person_id in campus_person.
--
-- What is known of each name
--   seen     in public SQL that runs against a real Campus: District, School, Calendar, Person, Enrollment, Program,
--            ProgramParticipation, CustomStudent, CampusAttribute, CampusDictionary, SchoolYear.endYear, and their
--            columns unless named in the next lines
--   assumed  EnrollmentMO and its columns, School.exclude, SchoolYear.startDate and endDate, Person.edFiID, and the
--            values of CampusAttribute.object and element: verify these first. GradeLevel and its columns, which are
--            read only where exclude_also names grade_level_exclude. Program.stateCode,
--            ProgramParticipation.participationID and studentStatus, and ProgramCertification with its columns, which
--            are read only where the parts below say so. School.stateSchoolNumber, the same.
--
-- Parts, chosen by the setting campus_mapping of the target, so that nothing needs to be copied for them
--   career_technical_fields  enrollment_mo: columns of EnrollmentMO; enrollment: columns of Enrollment itself;
--                            custom_fields: rows of CustomStudent
--   programs                 none; participation: of the programs with a State Code in which the student takes part
--                            while enrolled, the one begun last
--   certifications           none; program_certification: the student's certifications, those of that program alone
--                            where programs are read
--   school_number            number or stateSchoolNumber
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
        s.{{ parts.school_number }} AS school_number,
        s.name AS school_name,
        s.exclude AS school_exclude
    FROM dbo.School AS s
),

campus_calendar AS (
    SELECT
        c.calendarID AS calendar_id,
        c.schoolID AS school_id,
        c.endYear AS scope_year,
{%- if "summer_school" in exclude_also %}
        c.summerSchool AS summer_school,
{%- endif %}
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

{% if parts.programs == "participation" -%}
campus_participation AS (
    SELECT
        e.enrollmentID AS enrollment_id,
        pp.programID AS program_id,
        pr.name AS program_name,
        pp.studentStatus AS student_status,
        ROW_NUMBER()
            OVER (PARTITION BY e.enrollmentID ORDER BY pp.startDate DESC, pp.participationID DESC)
            AS place
    FROM dbo.Enrollment AS e
    INNER JOIN dbo.ProgramParticipation AS pp ON e.personID = pp.personID
    INNER JOIN dbo.Program AS pr ON pp.programID = pr.programID
    WHERE
        pr.stateCode IS NOT NULL
        AND (e.endDate IS NULL OR pp.startDate <= e.endDate)
        AND (pp.endDate IS NULL OR pp.endDate >= e.startDate)
),

{% endif -%}
campus_enrollment AS (
    SELECT
        e.enrollmentID AS enrollment_id,
        e.personID AS person_id,
        e.calendarID AS calendar_id,
        e.districtID AS district_id,
        e.serviceType AS service_type,
        e.startDate AS start_date,
        e.endDate AS end_date,
        e.noShow AS no_show,
{%- if "enrollment_state_exclude" in exclude_also %}
        e.stateExclude AS enrollment_state_exclude,
{%- endif %}
{%- if "grade_level_exclude" in exclude_also %}
        gl.exclude AS grade_level_exclude,
{%- endif %}
{%- if parts.career_technical_fields == "enrollment_mo" %}
        mo.careerCluster AS career_cluster,
        mo.cteProgramType AS cte_program_type,
{%- elif parts.career_technical_fields == "enrollment" %}
        e.careerCluster AS career_cluster,
        e.cteProgramType AS cte_program_type,
{%- else %}
        (
            SELECT MAX(cs.value)
            FROM dbo.CustomStudent AS cs
            INNER JOIN dbo.CampusAttribute AS ca ON cs.attributeID = ca.attributeID
            WHERE cs.enrollmentID = e.enrollmentID AND ca.object = 'Enrollment' AND ca.element = 'careerCluster'
        ) AS career_cluster,
        (
            SELECT MAX(cs.value)
            FROM dbo.CustomStudent AS cs
            INNER JOIN dbo.CampusAttribute AS ca ON cs.attributeID = ca.attributeID
            WHERE cs.enrollmentID = e.enrollmentID AND ca.object = 'Enrollment' AND ca.element = 'cteProgramType'
        ) AS cte_program_type,
{%- endif %}
        -- For the resource preferences of these names. certification_status is 'passing', 'attempted' or null.
{%- if parts.programs == "participation" %}
        pt.program_name AS career_pathway,
        pt.student_status,
{%- else %}
        NULL AS career_pathway,
        NULL AS student_status,
{%- endif %}
{%- if parts.certifications == "program_certification" %}
        -- of several the best: 'passing' comes after 'attempted'
        (
            SELECT
                MAX(
                    CASE
                        WHEN UPPER(ct.status) IN ('P', 'PASS', 'PASSED', 'PASSING') THEN 'passing'
                        WHEN ct.status IS NOT NULL THEN 'attempted'
                    END
                )
            FROM dbo.ProgramCertification AS ct
            WHERE
                ct.personID = e.personID
{%- if parts.programs == "participation" %}
                AND ct.programID = pt.program_id
{%- endif %}
        ) AS certification_status
{%- else %}
        NULL AS certification_status
{%- endif %}
    FROM dbo.Enrollment AS e
{%- if parts.career_technical_fields == "enrollment_mo" %}
    LEFT JOIN dbo.EnrollmentMO AS mo ON e.enrollmentID = mo.enrollmentID
{%- endif %}
{%- if "grade_level_exclude" in exclude_also %}
    LEFT JOIN dbo.GradeLevel AS gl ON e.structureID = gl.structureID AND e.grade = gl.name
{%- endif %}
{%- if parts.programs == "participation" %}
    LEFT JOIN campus_participation AS pt ON e.enrollmentID = pt.enrollment_id AND pt.place = 1
{%- endif %}
),

{% set owner = "EnrollmentMO" if parts.career_technical_fields == "enrollment_mo" else "Enrollment" -%}
campus_code AS (
    SELECT
        -- which of our fields the code list belongs to; null for every other list
        CASE
            WHEN a.object = '{{ owner }}' AND a.element = 'careerCluster' THEN 'career_cluster'
            WHEN a.object = '{{ owner }}' AND a.element = 'cteProgramType' THEN 'cte_program_type'
        END AS field,
        cd.code AS code,
        cd.name AS name,
        -- if your code lists mark the codes that are in use, that column: its label goes before another of the same code
        NULL AS active
    FROM dbo.CampusAttribute AS a
    INNER JOIN dbo.CampusDictionary AS cd ON a.attributeID = cd.attributeID
)
