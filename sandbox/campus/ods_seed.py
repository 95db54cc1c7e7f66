"""What Campus's other resources would have sent to the ODS before: the sandbox ODS starts with it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from sandbox.campus.calendars import CLUSTER_NAMES, DISTRICT_NUMBER, PROGRAM_TYPES
from sandbox.campus.cases import CASES, person_id
from sandbox.campus.programs import DESCRIPTORS

Document = dict[str, Any]

PROGRAM_TYPE = "Career and Technical Education"
CORE = "uri://ed-fi.org"

_STUDENTS = """
    SELECT p.personID, TRIM(p.stateID), i.firstName, i.lastName, i.birthdate
    FROM dbo.Person p JOIN dbo."Identity" i ON i.identityID = p.currentIdentityID
    WHERE p.personID IN (SELECT personID FROM dbo.Enrollment WHERE districtID = 1)
    ORDER BY p.personID
"""
_SCHOOL_ENROLLMENTS = """
    SELECT DISTINCT e.personID, c.schoolID, CAST(e.startDate AS DATE), e.grade
    FROM dbo.Enrollment e
    JOIN dbo.Calendar c ON c.calendarID = e.calendarID
    JOIN dbo.School s ON s.schoolID = c.schoolID
    WHERE e.districtID = 1 AND c.endYear = ?
      AND NOT COALESCE(e.noShow, FALSE) AND NOT COALESCE(c.exclude, FALSE) AND NOT COALESCE(s.exclude, FALSE)
    ORDER BY ALL
"""


def seed_documents(
    path: Path | str,
    scope_year: int,
    *,
    descriptor_namespace: str = "uri://dese.mo.gov/CTEProgramServiceDescriptor",
    without_students: Collection[str] = (),
    without_enrollment: Collection[str] = (),
) -> dict[str, list[Document]]:
    """Resource name to documents in API form, for the sandbox ODS of one scope year.

    A student whose enrollments are all excluded is a student all the same, without a studentSchoolAssociation.
    ``without_students`` and ``without_enrollment`` name State IDs that the ODS shall not know, or not as enrolled.
    """
    district = int(DISTRICT_NUMBER)
    with duckdb.connect(str(path), read_only=True) as connection:
        students = connection.execute(_STUDENTS).fetchall()
        enrollments = connection.execute(_SCHOOL_ENROLLMENTS, [scope_year]).fetchall()
        schools = connection.execute(
            "SELECT schoolID, name FROM dbo.School WHERE districtID = 1 ORDER BY 1"
        ).fetchall()
    ids = _ids_in_ods(students, without_students)
    enrolled_ids = {person: [i for i in known if i not in without_enrollment] for person, known in ids.items()}
    return {
        "localEducationAgencies": [_agency(district)],
        "schools": [_school(school_id, name, district) for school_id, name in schools],
        "programs": [_program(name, district) for name in PROGRAM_TYPES.values()],
        "students": [
            _student(state_id, first, last, born)
            for person, _, first, last, born in students
            for state_id in ids.get(person, ())
        ],
        "studentSchoolAssociations": [
            _school_association(state_id, school_id, start, grade, scope_year)
            for person, school_id, start, grade in enrollments
            for state_id in enrolled_ids.get(person, ())
        ],
        "studentCTEProgramAssociations": [],
        "studentProgramAssociations": [],
        "cteProgramServiceDescriptors": [_descriptor(descriptor_namespace, *item) for item in CLUSTER_NAMES.items()],
        **{
            f"{name[0].lower()}{name[1:]}s": [_descriptor(f"{CORE}/{name}", value, value) for value in values]
            for name, values in _CORE_DESCRIPTORS.items()
        },
        "schoolYearTypes": [_school_year(scope_year)],
    }


def _school_year(year: int) -> Document:
    return {"schoolYear": year, "schoolYearDescription": f"{year - 1}-{year}", "currentSchoolYear": True}


def _ids_in_ods(students: list[tuple[Any, ...]], without: Collection[str]) -> dict[int, list[str]]:
    """personID to the State IDs that the ODS knows: Campus's own, and those that an edit will bring."""
    coming = {person_id(case.name): case.other_ids for case in CASES}
    known = {}
    for person, state_id, *_ in students:
        ids = [state_id, *coming.get(person, ())]
        known[person] = [i for i in ids if i and i not in without]
    return known


def _agency(district: int) -> Document:
    category = "LocalEducationAgencyCategoryDescriptor#Regular public school district"
    kind = "EducationOrganizationCategoryDescriptor#Local Education Agency"
    return {
        "localEducationAgencyId": district,
        "nameOfInstitution": "Sample R-II School District",
        "localEducationAgencyCategoryDescriptor": f"{CORE}/{category}",
        "categories": [{"educationOrganizationCategoryDescriptor": f"{CORE}/{kind}"}],
    }


def ods_school_id(school_id: int) -> int:
    """The schoolId of a sample school: district and four-digit school number."""
    return int(DISTRICT_NUMBER) * 10_000 + school_id * 10


def _school(school_id: int, name: str, district: int) -> Document:
    return {
        "schoolId": ods_school_id(school_id),
        "nameOfInstitution": name,
        "localEducationAgencyReference": {"localEducationAgencyId": district},
        "educationOrganizationCategories": [
            {"educationOrganizationCategoryDescriptor": f"{CORE}/EducationOrganizationCategoryDescriptor#School"}
        ],
        "gradeLevels": [{"gradeLevelDescriptor": f"{CORE}/GradeLevelDescriptor#Twelfth grade"}],
    }


def _program(name: str, district: int) -> Document:
    return {
        "educationOrganizationReference": {"educationOrganizationId": district},
        "programName": name,
        "programTypeDescriptor": f"{CORE}/ProgramTypeDescriptor#{PROGRAM_TYPE}",
    }


def _student(state_id: str, first: str, last: str, born: datetime) -> Document:
    return {
        "studentUniqueId": state_id,
        "firstName": first,
        "lastSurname": last,
        "birthDate": born.date().isoformat(),
    }


_GRADES = [
    "Kindergarten",
    "First grade",
    "Second grade",
    "Third grade",
    "Fourth grade",
    "Fifth grade",
    "Sixth grade",
    "Seventh grade",
    "Eighth grade",
    "Ninth grade",
    "Tenth grade",
    "Eleventh grade",
    "Twelfth grade",
]


_CORE_DESCRIPTORS = {
    "ProgramTypeDescriptor": [PROGRAM_TYPE],
    "GradeLevelDescriptor": _GRADES,
    "EducationOrganizationCategoryDescriptor": ["Local Education Agency", "School"],
    "LocalEducationAgencyCategoryDescriptor": ["Regular public school district"],
    **DESCRIPTORS,
}


def _school_association(state_id: str, school_id: int, start: date, grade: str, scope_year: int) -> Document:
    return {
        "studentReference": {"studentUniqueId": state_id},
        "schoolReference": {"schoolId": ods_school_id(school_id)},
        "entryDate": start.isoformat(),
        "entryGradeLevelDescriptor": f"{CORE}/GradeLevelDescriptor#{_GRADES[0 if grade == 'KG' else int(grade)]}",
        "schoolYearTypeReference": {"schoolYear": scope_year},
    }


def _descriptor(namespace: str, code: str, description: str) -> Document:
    return {
        "namespace": namespace,
        "codeValue": code,
        "shortDescription": description[:75],
        "description": description,
    }
