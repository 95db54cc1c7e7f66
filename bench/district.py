"""A district of any size: its Campus as a DuckDB file, made by the database itself, and the ODS's seed for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from sandbox.campus import load
from sandbox.campus.database import quoted
from tests.sync.campus import PROGRAM_TYPES, YEARS, calendar, small_campus
from tests.sync.ods_seed import EDORG, seed

SCOPE_YEAR = YEARS[-1]
PER_STUDENT = 10
"""Enrollments of a student: fewer students to seed. Their start dates, and so their natural keys, differ."""

_ENROLLMENTS = """
    INSERT INTO dbo."Enrollment" BY NAME
    SELECT
        1000 + n AS "enrollmentID",
        1000 + n // {per_student} AS "personID",
        {year} AS "calendarID",
        1 AS "districtID",
        {year} AS "endYear",
        'P' AS "serviceType",
        TIMESTAMP '{first_day}' + INTERVAL (n % {per_student}) DAY AS "startDate"
    FROM range({count}) AS r(n);

    INSERT INTO dbo."EnrollmentMO" BY NAME
    SELECT
        1000 + n AS "enrollmentID",
        1000 + n // {per_student} AS "personID",
        CAST(1 + n % 16 AS varchar) AS "careerCluster",
        ({types})[1 + n % {type_count}] AS "cteProgramType"
    FROM range({count}) AS r(n);

    INSERT INTO dbo."Person" BY NAME
    SELECT 1000 + n AS "personID", CAST(2000000000 + n AS varchar) AS "stateID", CAST(n AS varchar) AS "studentNumber"
    FROM range({students}) AS r(n);
"""


def student_count(associations: int, per_student: int = PER_STUDENT) -> int:
    """How many students have that many associations."""
    return -(-associations // per_student)


def build_campus(path: Path, associations: int, per_student: int = PER_STUDENT) -> None:
    """A Campus from which that many associations derive."""
    load(path, {name: rows for name, rows in small_campus().items() if name not in ("Person", "Enrollment")})
    types = sorted(PROGRAM_TYPES)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            _ENROLLMENTS.format(
                count=associations,
                students=student_count(associations, per_student),
                per_student=per_student,
                year=SCOPE_YEAR,
                first_day=calendar(SCOPE_YEAR)["startDate"],
                types=repr(types),
                type_count=len(types),
            )
        )


def change_clusters(path: Path, one_in: int, shift: int) -> int:
    """Move the Career Cluster of each ``one_in``-th enrollment by ``shift``; how many that were."""
    with duckdb.connect(str(path)) as connection:
        ((changed,),) = connection.execute(
            f"""
            UPDATE dbo."EnrollmentMO"
            SET {quoted("careerCluster")} = CAST(1 + (CAST("careerCluster" AS int) - 1 + {shift}) % 16 AS varchar)
            WHERE "enrollmentID" % {one_in} = 0
            """
        ).fetchall()
    return int(changed)


def ods_seed(associations: int, per_student: int = PER_STUDENT) -> dict[str, list[dict[str, Any]]]:
    """What the ODS holds before the first run: the tests' small district, with these students enrolled."""
    documents = seed()
    enrolled = documents["studentSchoolAssociations"][0]
    for number in range(student_count(associations, per_student)):
        student = str(2_000_000_000 + number)
        documents["students"].append(
            {"studentUniqueId": student, "firstName": "A", "lastSurname": "B", "birthDate": "2009-01-01"}
        )
        documents["studentSchoolAssociations"].append(enrolled | {"studentReference": {"studentUniqueId": student}})
    return documents


__all__ = ["EDORG", "SCOPE_YEAR", "build_campus", "change_clusters", "ods_seed"]
