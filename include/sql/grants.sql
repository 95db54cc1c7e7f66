-- The least rights that the sync needs in Campus: SELECT on the columns that campus_mapping.sql names, nothing else.
-- Run it once in the Campus database, as its owner. After an edit of the mapping, grant the columns that came in and
-- revoke those that left. It is for people: no program runs it.
CREATE ROLE edfi_cte_reader;

GRANT SELECT (districtID, number) ON dbo.District TO edfi_cte_reader;
GRANT SELECT (endYear, startDate, endDate) ON dbo.SchoolYear TO edfi_cte_reader;
GRANT SELECT (schoolID, number, name, exclude) ON dbo.School TO edfi_cte_reader;
GRANT SELECT (calendarID, schoolID, endYear, name, endDate, exclude) ON dbo.Calendar TO edfi_cte_reader;
-- stateID, or the column that the setting student_id names
GRANT SELECT (personID, stateID) ON dbo.Person TO edfi_cte_reader;
GRANT SELECT (
    enrollmentID, personID, calendarID, districtID, serviceType, startDate, endDate, noShow
) ON dbo.Enrollment TO edfi_cte_reader;
GRANT SELECT (enrollmentID, careerCluster, cteProgramType) ON dbo.EnrollmentMO TO edfi_cte_reader;
GRANT SELECT (attributeID, object, element) ON dbo.CampusAttribute TO edfi_cte_reader;
GRANT SELECT (attributeID, code, name) ON dbo.CampusDictionary TO edfi_cte_reader;

-- Where the setting campus_mapping of the target reads more, the columns of its parts, of these:
--     GRANT SELECT (attributeID, enrollmentID, value) ON dbo.CustomStudent TO edfi_cte_reader;
--     GRANT SELECT (programID, name, stateCode) ON dbo.Program TO edfi_cte_reader;
--     GRANT SELECT (participationID, personID, programID, startDate, endDate, studentStatus)
--         ON dbo.ProgramParticipation TO edfi_cte_reader;
--     GRANT SELECT (personID, programID, status) ON dbo.ProgramCertification TO edfi_cte_reader;
-- and for exclude_also:
--     GRANT SELECT (stateExclude, structureID, grade) ON dbo.Enrollment TO edfi_cte_reader;
--     GRANT SELECT (structureID, name, exclude) ON dbo.GradeLevel TO edfi_cte_reader;
--     GRANT SELECT (summerSchool) ON dbo.Calendar TO edfi_cte_reader;

-- For an existing login:
--     CREATE USER edfi_cte FOR LOGIN edfi_cte;
--     ALTER ROLE edfi_cte_reader ADD MEMBER edfi_cte;
-- To read a consistent state without taking locks (isolation "snapshot"), the database's owner also runs
--     ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON;
