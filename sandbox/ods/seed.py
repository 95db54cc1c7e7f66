"""The built-in seed: one district, enough to try the sync's requests by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox.ods.instance import SeedError

DISTRICT = 39141
SCHOOL = 391411050
PROGRAM = "Career and Technical Education"
STUDENTS = (
    ("1000000001", "Ada", "Byron", "2008-03-14"),
    ("1000000002", "Grace", "Hopper", "2009-11-02"),
    ("1000000003", "Katherine", "Johnson", "2008-08-26"),
    ("1000000004", "Mary", "Jackson", "2007-04-09"),
)
"""The last one is not enrolled: a program association for her is refused until she is."""

# Data Standard values (descriptor files of 3.2 to 5.2).
_CAREERS = (
    "Agriculture, Food and Natural Resources",
    "Architecture and Construction",
    "Arts, A/V Technology and Communications",
    "Business, Management and Administration",
    "Education and Training",
    "Finance",
    "Government and Public Administration",
    "Health Science",
    "Hospitality and Tourism",
    "Human Services",
    "Information Technology",
    "Law, Public Safety, Corrections and Security",
    "Manufacturing",
    "Marketing, Sales and Service",
    "Other",
    "Science, Technology, Engineering and Mathematics",
    "Transportation, Distribution and Logistics",
)
_DESCRIPTORS = {
    "cteProgramServiceDescriptors": _CAREERS,
    "careerPathwayDescriptors": _CAREERS,
    "serviceDescriptors": ("Career Guidance", "Internship"),
    "technicalSkillsAssessmentDescriptors": ("Passed", "Not Passed", "Did Not Take"),
    "programTypeDescriptors": (PROGRAM, "Vocational Education", "Technical Preparatory", "Regular Education"),
    "participationStatusDescriptors": ("Referred", "Eligible", "Not Eligible", "Active in Program", "Refused"),
    "reasonExitedDescriptors": (
        "Died or is permanently incapacitated",
        "Discontinued schooling",
        "Graduated with a high school diploma",
        "Moved out of state",
        "Other",
        "Reached maximum age",
        "Received certificate of completion or equivalent",
        "Suspended or expelled from school",
        "Transferred to another district or school",
        "Unknown reason",
        "Withdrawal by a parent (or guardian)",
    ),
    "gradeLevelDescriptors": ("Ninth grade", "Tenth grade", "Eleventh grade", "Twelfth grade"),
    "localEducationAgencyCategoryDescriptors": ("Independent", "Charter"),
    "educationOrganizationCategoryDescriptors": ("Local Education Agency", "School"),
    "sexDescriptors": ("Female", "Male"),
}


_CATEGORY = "uri://ed-fi.org/EducationOrganizationCategoryDescriptor#"
_GRADE = "uri://ed-fi.org/GradeLevelDescriptor#"


def builtin_seed() -> dict[str, list[dict[str, Any]]]:
    """District 39141 with one school, its CTE program, four students (three enrolled) and the descriptors."""
    return {
        **{name: [{"codeValue": value} for value in values] for name, values in _DESCRIPTORS.items()},
        "schoolYearTypes": [
            {"schoolYear": year, "schoolYearDescription": f"{year - 1}-{year}", "currentSchoolYear": year == 2026}
            for year in range(2020, 2031)
        ],
        **_organizations(),
        "students": [
            {"studentUniqueId": number, "firstName": first, "lastSurname": last, "birthDate": born}
            for number, first, last, born in STUDENTS
        ],
        "studentSchoolAssociations": [
            {
                "entryDate": "2025-08-18",
                "schoolReference": {"schoolId": SCHOOL},
                "studentReference": {"studentUniqueId": number},
                "entryGradeLevelDescriptor": f"{_GRADE}Eleventh grade",
            }
            for number, *_ in STUDENTS[:-1]
        ],
    }


def _organizations() -> dict[str, list[dict[str, Any]]]:
    """The district, its school and its program."""
    agency = {
        "localEducationAgencyId": DISTRICT,
        "nameOfInstitution": "Sample School District",
        "localEducationAgencyCategoryDescriptor": "uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",
        "categories": [{"educationOrganizationCategoryDescriptor": f"{_CATEGORY}Local Education Agency"}],
    }
    school = {
        "schoolId": SCHOOL,
        "nameOfInstitution": "Sample High School",
        "localEducationAgencyReference": {"localEducationAgencyId": DISTRICT},
        "educationOrganizationCategories": [{"educationOrganizationCategoryDescriptor": f"{_CATEGORY}School"}],
        "gradeLevels": [
            {"gradeLevelDescriptor": f"{_GRADE}{value}"} for value in _DESCRIPTORS["gradeLevelDescriptors"]
        ],
    }
    program = {
        "educationOrganizationReference": {"educationOrganizationId": DISTRICT},
        "programName": PROGRAM,
        "programTypeDescriptor": f"uri://ed-fi.org/ProgramTypeDescriptor#{PROGRAM}",
    }
    return {"localEducationAgencies": [agency], "schools": [school], "programs": [program]}


def read_seed(path: Path) -> dict[str, list[dict[str, Any]]]:
    """A seed file: {resource: [document, …]}; SeedError with a sentence when it isn't one."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SeedError(f"The seed {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SeedError(f"The seed {path} is not JSON: {error}.") from error
    if not isinstance(document, dict) or not all(isinstance(rows, list) for rows in document.values()):
        raise SeedError(f"The seed {path} must be an object of lists: {{resource: [document, …]}}.")
    return document
