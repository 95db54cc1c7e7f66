"""The subset of Campus's schema that the sample has, in SQL Server's words; campus_mapping.sql says
which names are assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]
"""Table name to rows; a column that a row lacks is null."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of schema ``dbo``: column name to SQL Server type. The first column is the primary key."""

    name: str
    columns: dict[str, str]


SCHEMA = (
    Table("District", {"districtID": "int", "number": "varchar(12)", "name": "varchar(50)"}),
    Table(
        "SchoolYear",
        {
            "endYear": "smallint",
            "startYear": "smallint",
            "label": "varchar(20)",
            "startDate": "smalldatetime",
            "endDate": "smalldatetime",
            "active": "bit",
        },
    ),
    Table(
        "School",
        {
            "schoolID": "int",
            "districtID": "int",
            "number": "varchar(6)",
            "stateSchoolNumber": "varchar(6)",
            "name": "varchar(50)",
            "exclude": "bit",
        },
    ),
    Table(
        "Calendar",
        {
            "calendarID": "int",
            "schoolID": "int",
            "districtID": "int",
            "endYear": "smallint",
            "name": "varchar(30)",
            "startDate": "smalldatetime",
            "endDate": "smalldatetime",
            "exclude": "bit",
            "summerSchool": "bit",
        },
    ),
    Table(
        "GradeLevel",
        {"gradeLevelID": "int", "structureID": "int", "name": "varchar(4)", "exclude": "bit"},
    ),
    Table(
        "Person",
        {
            "personID": "int",
            "currentIdentityID": "int",
            "stateID": "varchar(15)",
            "edFiID": "varchar(15)",
            "studentNumber": "varchar(15)",
        },
    ),
    Table(
        "Identity",
        {
            "identityID": "int",
            "personID": "int",
            "lastName": "nvarchar(50)",
            "firstName": "nvarchar(50)",
            "birthdate": "smalldatetime",
        },
    ),
    Table(
        "Enrollment",
        {
            "enrollmentID": "int",
            "personID": "int",
            "calendarID": "int",
            "structureID": "int",
            "districtID": "int",
            "endYear": "smallint",
            "grade": "varchar(4)",
            "serviceType": "char(1)",
            "startDate": "smalldatetime",
            "endDate": "smalldatetime",
            "noShow": "bit",
            "stateExclude": "bit",
        },
    ),
    Table(
        "EnrollmentMO",
        {
            "enrollmentID": "int",
            "personID": "int",
            "careerCluster": "varchar(10)",
            "cteProgramType": "varchar(10)",
        },
    ),
    Table(
        "CustomStudent",
        {
            "customID": "int",
            "personID": "int",
            "enrollmentID": "int",
            "attributeID": "int",
            "value": "varchar(255)",
        },
    ),
    Table("Program", {"programID": "int", "name": "varchar(50)", "stateCode": "varchar(15)"}),
    Table(
        "ProgramParticipation",
        {
            "participationID": "int",
            "personID": "int",
            "programID": "int",
            "startDate": "smalldatetime",
            "endDate": "smalldatetime",
            "studentStatus": "varchar(5)",
        },
    ),
    Table(
        "ProgramCertification",
        {
            "certificationID": "int",
            "personID": "int",
            "programID": "int",
            "status": "varchar(15)",
        },
    ),
    Table(
        "CampusAttribute",
        {"attributeID": "int", "object": "varchar(50)", "element": "varchar(50)", "name": "varchar(50)"},
    ),
    Table(
        "CampusDictionary",
        {"dictionaryID": "int", "attributeID": "int", "code": "varchar(15)", "name": "nvarchar(100)"},
    ),
)
TABLES = {table.name: table for table in SCHEMA}
