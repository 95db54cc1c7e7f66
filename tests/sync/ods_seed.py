"""What the ODS of any year holds before the first run."""

from __future__ import annotations

from typing import Any

from tests.sync.campus import PROGRAM_TYPES, STUDENTS

EDORG = 39141


def seed() -> dict[str, list[dict[str, Any]]]:
    """What the ODS of any year holds before the first run: district, school, programs, students, descriptors."""
    kinds = ["Career and Technical Education", "Athletics"]
    own_program = {"educationOrganizationReference": {"educationOrganizationId": EDORG}}
    return {
        "localEducationAgencies": [
            {
                "localEducationAgencyId": EDORG,
                "nameOfInstitution": "Sample",
                "localEducationAgencyCategoryDescriptor": "uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",
                "categories": [
                    {
                        "educationOrganizationCategoryDescriptor": "uri://ed-fi.org/"
                        "EducationOrganizationCategoryDescriptor#Local Education Agency"
                    }
                ],
            }
        ],
        "schools": [
            {
                "schoolId": 391411050,
                "nameOfInstitution": "High",
                "localEducationAgencyReference": {"localEducationAgencyId": EDORG},
                "educationOrganizationCategories": [
                    {
                        "educationOrganizationCategoryDescriptor": "uri://ed-fi.org/"
                        "EducationOrganizationCategoryDescriptor#School"
                    }
                ],
                "gradeLevels": [{"gradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Twelfth grade"}],
            }
        ],
        "programs": [
            own_program
            | {"programName": name, "programTypeDescriptor": f"uri://ed-fi.org/ProgramTypeDescriptor#{kind}"}
            for name in [*PROGRAM_TYPES.values(), "Agriculture", "AGRICULTURAL EDUCATION"]
            for kind in kinds
        ],
        "students": [
            {"studentUniqueId": sid, "firstName": "A", "lastSurname": "B", "birthDate": "2009-01-01"}
            for sid in STUDENTS.values()
        ],
        "studentSchoolAssociations": [
            {
                "studentReference": {"studentUniqueId": sid},
                "schoolReference": {"schoolId": 391411050},
                "entryDate": "2023-08-20",
                "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Twelfth grade",
            }
            for sid in STUDENTS.values()
        ],
        "programTypeDescriptors": [descriptor("uri://ed-fi.org/ProgramTypeDescriptor", kind) for kind in kinds],
        "cteProgramServiceDescriptors": [
            *(descriptor("uri://dese.mo.gov/CTEProgramServiceDescriptor", str(n)) for n in range(1, 17)),
            descriptor("uri://ed-fi.org/CTEProgramServiceDescriptor", "Health Science"),
        ],
        "careerPathwayDescriptors": [
            descriptor("uri://ed-fi.org/CareerPathwayDescriptor", value) for value in ("Health Science", "Other")
        ],
        "technicalSkillsAssessmentDescriptors": [
            descriptor("uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor", value)
            for value in ("Passed", "Not Passed", "Did Not Take")
        ],
        "gradeLevelDescriptors": [descriptor("uri://ed-fi.org/GradeLevelDescriptor", "Twelfth grade")],
        "localEducationAgencyCategoryDescriptors": [
            descriptor("uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor", "Independent")
        ],
        "educationOrganizationCategoryDescriptors": [
            descriptor("uri://ed-fi.org/EducationOrganizationCategoryDescriptor", value)
            for value in ("Local Education Agency", "School")
        ],
    }


def descriptor(namespace: str, code: str) -> dict[str, Any]:
    """A descriptor document."""
    return {"namespace": namespace, "codeValue": code, "shortDescription": code}
