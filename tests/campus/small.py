# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""A Campus of one student, one calendar and one enrollment that is sent for scope year 2026."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from edfi_cte.associations.model import FLAG_RULES, EnrollmentRecord, ExclusionRule
from edfi_cte.campus import CampusReader
from edfi_cte.campus.mapping import MAPPING_TEMPLATE
from edfi_cte.campus.reader import Hook
from edfi_cte.campus.templates import shipped_sql_dir
from sandbox.campus.schema import Row, Tables

DISTRICT = "039141"
YEAR = 2026


def small_campus() -> Tables:
    """The tables; a test changes what it is about."""
    return {
        "District": [{"districtID": 1, "number": DISTRICT, "name": "Sample"}],
        "SchoolYear": [{"endYear": YEAR, "startYear": YEAR - 1}],
        "School": [{"schoolID": 1, "districtID": 1, "number": "1050", "name": "High", "exclude": None}],
        "Calendar": [calendar(1, YEAR)],
        "Person": [{"personID": 1, "stateID": "1234567890", "studentNumber": "77"}],
        "Enrollment": [enrollment(1)],
        "EnrollmentMO": [missouri(1)],
        "CampusAttribute": [
            {"attributeID": 1, "object": "EnrollmentMO", "element": "careerCluster"},
            {"attributeID": 2, "object": "EnrollmentMO", "element": "cteProgramType"},
        ],
        "CampusDictionary": [
            {"dictionaryID": 1, "attributeID": 1, "code": "8", "name": "Health Science"},
            {"dictionaryID": 2, "attributeID": 2, "code": "0410", "name": "Health Sciences"},
        ],
    }


def calendar(number: int, end_year: int, **columns: Any) -> Row:
    """A calendar from August 20 to May 22."""
    return {
        "calendarID": number,
        "schoolID": 1,
        "districtID": 1,
        "endYear": end_year,
        "startDate": datetime(end_year - 1, 8, 20),
        "endDate": datetime(end_year, 5, 22),
        "exclude": None,
        **columns,
    }


def enrollment(number: int, **columns: Any) -> Row:
    """An open enrollment of student 1 in calendar 1 from August 20, 2025."""
    return {
        "enrollmentID": number,
        "personID": 1,
        "calendarID": 1,
        "districtID": 1,
        "endYear": YEAR,
        "serviceType": "P",
        "startDate": datetime(2025, 8, 20),
        "endDate": None,
        "noShow": None,
        **columns,
    }


def missouri(number: int, cluster: str | None = "8", program_type: str | None = "0410") -> Row:
    """The Missouri fields of an enrollment."""
    return {"enrollmentID": number, "personID": 1, "careerCluster": cluster, "cteProgramType": program_type}


def row(**columns: Any) -> tuple[Any, ...]:
    """A row of ``enrollment_records.sql``, without its count."""
    given = {"enrollment_id": 1, "student_unique_id": "123", "service_type": "P", "career_cluster": "8"} | columns
    return tuple(given.pop(field.name, None) for field in fields(EnrollmentRecord))


def reader(hook: Hook, **options: Any) -> CampusReader:
    """A reader of the small Campus's district."""
    return CampusReader(hook, district_number=DISTRICT, **options)


def outcomes(hook: Hook, scope_year: int = YEAR, **options: Any) -> dict[int, ExclusionRule | None]:
    """enrollment id to excluding rule of every candidate."""
    return {r.enrollment_id: r.excluded_by for r in reader(hook, **options).enrollment_records(scope_year)}


def flag_columns() -> dict[ExclusionRule, str]:
    """The column of Campus, with its table's alias, that each flag of the page's rules is in the shipped mapping."""
    text = (shipped_sql_dir() / MAPPING_TEMPLATE).read_text()
    return {rule: re.findall(rf"(\w+\.\w+) AS {rule}\b", text)[0] for rule in FLAG_RULES}


def edited_mapping(folder: Path, old: str, new: str) -> Path:
    """A district's folder with its own copy of the mapping template, in which ``old`` became ``new``."""
    text = (shipped_sql_dir() / MAPPING_TEMPLATE).read_text()
    assert old in text
    (folder / MAPPING_TEMPLATE).write_text(text.replace(old, new))
    return folder
