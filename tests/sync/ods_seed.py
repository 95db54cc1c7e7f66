"""What the ODS of any year holds before the first run."""

from __future__ import annotations

from typing import Any

from tests.sync.campus import PROGRAM_TYPES, STUDENTS

EDORG = 39141
KINDS = ("Career and Technical Education", "Athletics")
GRADE = "uri://ed-fi.org/GradeLevelDescriptor#Twelfth grade"


def seed(edorg: int = EDORG) -> dict[str, list[dict[str, Any]]]:
    """District, school, programs, students, descriptors. ``edorg``: the district's."""
    return organizations(edorg) | people(edorg) | descriptors()


def organizations(edorg: int) -> dict[str, list[dict[str, Any]]]:
    """A district with one school, and its programs."""
    categories = "uri://ed-fi.org/EducationOrganizationCategoryDescriptor"
    own_program = {"educationOrganizationReference": {"educationOrganizationId": edorg}}
    return {
        "localEducationAgencies": [
            {
                "localEducationAgencyId": edorg,
                "nameOfInstitution": "Sample",
                "localEducationAgencyCategoryDescriptor": "uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",
                "categories": [{"educationOrganizationCategoryDescriptor": f"{categories}#Local Education Agency"}],
            }
        ],
        "schools": [
            {
                "schoolId": school_id(edorg),
                "nameOfInstitution": "High",
                "localEducationAgencyReference": {"localEducationAgencyId": edorg},
                "educationOrganizationCategories": [
                    {"educationOrganizationCategoryDescriptor": f"{categories}#School"}
                ],
                "gradeLevels": [{"gradeLevelDescriptor": GRADE}],
            }
        ],
        "programs": [
            own_program
            | {"programName": name, "programTypeDescriptor": f"uri://ed-fi.org/ProgramTypeDescriptor#{kind}"}
            for name in [*PROGRAM_TYPES.values(), "Agriculture", "AGRICULTURAL EDUCATION"]
            for kind in KINDS
        ],
    }


def people(edorg: int) -> dict[str, list[dict[str, Any]]]:
    """The students, all of them enrolled in the district's school."""
    return {
        "students": [
            {"studentUniqueId": sid, "firstName": "A", "lastSurname": "B", "birthDate": "2009-01-01"}
            for sid in STUDENTS.values()
        ],
        "studentSchoolAssociations": [
            {
                "studentReference": {"studentUniqueId": sid},
                "schoolReference": {"schoolId": school_id(edorg)},
                "entryDate": "2023-08-20",
                "entryGradeLevelDescriptor": GRADE,
            }
            for sid in STUDENTS.values()
        ],
    }


def descriptors() -> dict[str, list[dict[str, Any]]]:
    """What the associations refer to, and what the rest needs."""
    services = [descriptor("uri://dese.mo.gov/CTEProgramServiceDescriptor", str(n)) for n in range(1, 17)]
    values = {
        "careerPathway": ("Health Science", "Other"),
        "technicalSkillsAssessment": ("Passed", "Not Passed", "Did Not Take"),
        "gradeLevel": ("Twelfth grade",),
        "localEducationAgencyCategory": ("Independent",),
        "educationOrganizationCategory": ("Local Education Agency", "School"),
        "programType": KINDS,
    }
    found = {
        f"{name}Descriptors": [
            descriptor(f"uri://ed-fi.org/{name[0].upper()}{name[1:]}Descriptor", code) for code in codes
        ]
        for name, codes in values.items()
    }
    own = descriptor("uri://ed-fi.org/CTEProgramServiceDescriptor", "Health Science")
    return found | {"cteProgramServiceDescriptors": [*services, own]}


def school_id(edorg: int) -> int:
    """The id of the district's one school."""
    return edorg * 10_000 + 1050


def descriptor(namespace: str, code: str) -> dict[str, Any]:
    """A descriptor document."""
    return {"namespace": namespace, "codeValue": code, "shortDescription": code}
