# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Programs, who takes part in them, and certifications: what Campus's Resource Preferences are about.

Which tables and columns a real Campus has for them is partly assumed: see the head of campus_mapping.sql.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.campus.cases import person_id
from sandbox.campus.schema import Tables

PARTS = {"programs": "participation", "certifications": "program_certification"}
"""The parts of the mapping file (setting campus_mapping) that read these tables."""

_PATHWAY = "uri://ed-fi.org/CareerPathwayDescriptor"
_ASSESSMENT = "uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor"
PREFERENCES: dict[str, Any] = {
    "career_pathway": {"Nursing": f"{_PATHWAY}#Health Science", "Culinary Arts": f"{_PATHWAY}#Other"},
    "student_status": {"1": False, "2": False, "3": True},
    "certification_status": {"passing": f"{_ASSESSMENT}#Passed", "attempted": f"{_ASSESSMENT}#Not Passed"},
}
"""Resource preferences for them; a Student Status is 1 participant, 2 concentrator, 3 completer."""

DESCRIPTORS = {
    "CareerPathwayDescriptor": ["Health Science", "Other"],
    "TechnicalSkillsAssessmentDescriptor": ["Passed", "Not Passed", "Did Not Take"],
}
_FALL = datetime(2025, 9, 2)


def program_tables() -> Tables:
    """Three programs, one of them without a State Code, and the students of the cases that take part."""
    taking_part = [
        ("certifies", 1, datetime(2024, 9, 3), None, "2"),
        ("certifies", 3, _FALL, None, None),
        ("completes", 2, _FALL, None, "2"),
        ("completes", 1, datetime(2023, 9, 5), datetime(2024, 5, 17), "1"),
    ]
    return {
        "Program": [
            {"programID": 1, "name": "Nursing", "stateCode": "51.3801"},
            {"programID": 2, "name": "Culinary Arts", "stateCode": "12.0503"},
            {"programID": 3, "name": "Chess Club", "stateCode": None},
        ],
        "ProgramParticipation": [
            {
                "participationID": number,
                "personID": person_id(who),
                "programID": program,
                "startDate": start,
                "endDate": end,
                "studentStatus": status,
            }
            for number, (who, program, start, end, status) in enumerate(taking_part, 1)
        ],
        "ProgramCertification": [
            {"certificationID": 1, "personID": person_id("certifies"), "programID": 1, "status": "Attempted"}
        ],
    }
