-- An example of a district's own copy of campus_mapping.sql: the two Missouri fields are custom fields of the enrollment
-- (CustomStudent, one row a field), and the Career Tech Pathway is the program in which the student takes part while
-- enrolled. Only campus_enrollment and campus_code differ from the shipped file, whose head says how to edit.
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
        e.noShow AS no_show,
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
        (
            SELECT MIN(pr.name)
            FROM dbo.ProgramParticipation AS pp
            INNER JOIN dbo.Program AS pr ON pp.programID = pr.programID
            WHERE
                pp.personID = e.personID
                AND (e.endDate IS NULL OR pp.startDate <= e.endDate)
                AND (pp.endDate IS NULL OR pp.endDate >= e.startDate)
        ) AS career_pathway,
        NULL AS student_status,
        NULL AS certification_status
    FROM dbo.Enrollment AS e
),

campus_code AS (
    SELECT
        CASE
            WHEN a.object = 'Enrollment' AND a.element = 'careerCluster' THEN 'career_cluster'
            WHEN a.object = 'Enrollment' AND a.element = 'cteProgramType' THEN 'cte_program_type'
        END AS field,
        cd.code AS code,
        cd.name AS name,
        -- if your code lists mark the codes that are in use, that column: its label goes before another of the same code
        NULL AS active
    FROM dbo.CampusAttribute AS a
    INNER JOIN dbo.CampusDictionary AS cd ON a.attributeID = cd.attributeID
)
