"""A document of the ODS, as small as one can be: its key and no more."""

from typing import Any

DOCUMENT: dict[str, Any] = {
    "beginDate": "2025-08-20",
    "educationOrganizationReference": {"educationOrganizationId": 39141},
    "programReference": {
        "educationOrganizationId": 39142,
        "programName": "Health",
        "programTypeDescriptor": "uri://x#CTE",
    },
    "studentReference": {"studentUniqueId": "7"},
}
