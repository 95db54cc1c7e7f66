"""What the client makes of each API's refusals about students and organizations, asked of the sandbox itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from edfi_cte.ods import EdFiClient, EdFiConfig, EdFiError, MemoryTokenStore
from edfi_cte.ods import errors as e
from edfi_cte.ods.errors import Meaning
from sandbox.ods import RunningOds, serve
from sandbox.ods.seed import DISTRICT, PROGRAM, SCHOOL, STUDENTS

APIS = ("5.3", "6.2", "7.1", "7.3", "dms")
RESOURCE = "studentCTEProgramAssociations"
ENROLLED, *_, NOT_ENROLLED = (number for number, *_ in STUDENTS)
NOBODY = "9999999999"
ANYTHING = tuple(Meaning)
HERE_OR_OUT = (Meaning.NOT_ENROLLED, Meaning.OUT_OF_REACH)
HERE_OR_NOWHERE = (Meaning.NOT_ENROLLED, Meaning.UNKNOWN)
OUT_OR_NOWHERE = (Meaning.OUT_OF_REACH, Meaning.UNKNOWN)


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[dict[str, RunningOds]]:
    with ExitStack() as stack:
        running = {api: stack.enter_context(serve(api=api)) for api in APIS}
        for ods in running.values():
            (district,) = ods.control.documents("localEducationAgencies")
            ods.control.put("localEducationAgencies", {**district, "localEducationAgencyId": 39999})
            ods.control.add_client("school", "school", education_organizations=[SCHOOL])
            ods.control.add_client("nobody", "nobody", education_organizations=[])
            ods.control.add_client("bare", "bare", "Bootstrap Descriptors", [DISTRICT])
        yield running


def association(student: str = ENROLLED, organization: int = DISTRICT, **changes: Any) -> dict[str, Any]:
    return {
        "beginDate": "2025-08-20",
        "educationOrganizationReference": {"educationOrganizationId": organization},
        "programReference": {
            "educationOrganizationId": DISTRICT,
            "programName": PROGRAM,
            "programTypeDescriptor": f"uri://ed-fi.org/ProgramTypeDescriptor#{PROGRAM}",
        },
        "studentReference": {"studentUniqueId": student},
        **changes,
    }


def refusal(ods: RunningOds, document: dict[str, Any], resource: str = RESOURCE, key: str = "") -> EdFiError:
    config = EdFiConfig(base_url=ods.base_url, client_id=key or ods.key, client_secret=key or ods.secret, tries=1)

    async def run() -> None:
        async with EdFiClient(config, token_store=MemoryTokenStore()) as client:
            await client.upsert(resource, document)

    with pytest.raises(EdFiError) as caught:
        asyncio.run(run())
    return caught.value


Answer = tuple[type[EdFiError], tuple[Meaning, ...]]
ENROLLMENT = {
    "entryDate": "2025-08-20",
    "schoolReference": {"schoolId": SCHOOL},
    "studentReference": {"studentUniqueId": NOBODY},
    "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Eleventh grade",
}
RIGHTS = (e.RightsMissing, (Meaning.OUT_OF_REACH,))
UNKNOWN = (Meaning.UNKNOWN,)
CASES: dict[str, tuple[dict[str, Any], dict[str, Answer]]] = {
    "not enrolled": (
        {"document": association(NOT_ENROLLED)},
        {
            "5.3": (e.NotYetEnrolled, HERE_OR_OUT),
            **dict.fromkeys(("6.2", "7.1", "dms"), (e.NotYetEnrolled, (Meaning.NOT_ENROLLED,))),
            "7.3": (e.NotYetEnrolled, HERE_OR_NOWHERE),
        },
    ),
    "no such student": (
        {"document": association(NOBODY)},
        {
            **dict.fromkeys(("5.3", "6.2", "dms"), (e.StudentUnknown, UNKNOWN)),
            **dict.fromkeys(("7.1", "7.3"), (e.NotYetEnrolled, HERE_OR_NOWHERE)),
        },
    ),
    "enrollment of no such student": (
        {"document": ENROLLMENT, "resource": "studentSchoolAssociations"},
        dict.fromkeys(APIS, (e.StudentUnknown, UNKNOWN)),
    ),
    "no such organization": (
        {"document": association(organization=99999999)},
        {
            **dict.fromkeys(("5.3", "dms"), (e.OrganizationUnknown, UNKNOWN)),
            **dict.fromkeys(("6.2", "7.1", "7.3"), (e.NotYetEnrolled, ANYTHING)),
        },
    ),
    "another district": (
        {"document": association(organization=39999)},
        {
            **dict.fromkeys(("5.3", "dms"), (e.OrganizationDenied, (Meaning.OUT_OF_REACH,))),
            **dict.fromkeys(("6.2", "7.1", "7.3"), (e.NotYetEnrolled, ANYTHING)),
        },
    ),
    "a program of another district": (
        {
            "document": {
                "educationOrganizationReference": {"educationOrganizationId": 39999},
                "programName": PROGRAM,
                "programTypeDescriptor": f"uri://ed-fi.org/ProgramTypeDescriptor#{PROGRAM}",
            },
            "resource": "programs",
        },
        {
            **dict.fromkeys(("5.3", "dms"), (e.OrganizationDenied, (Meaning.OUT_OF_REACH,))),
            **dict.fromkeys(("6.2", "7.1", "7.3"), (e.OrganizationDenied, OUT_OR_NOWHERE)),
        },
    ),
    "the key of a school": (
        {"document": association(), "key": "school"},
        {
            "5.3": RIGHTS,
            **dict.fromkeys(("6.2", "7.1", "7.3"), (e.NotYetEnrolled, ANYTHING)),
            "dms": (e.OrganizationDenied, (Meaning.OUT_OF_REACH,)),
        },
    ),
    "a key without organizations": ({"document": association(), "key": "nobody"}, dict.fromkeys(APIS, RIGHTS)),
    "a key without the claim": ({"document": association(), "key": "bare"}, dict.fromkeys(APIS, RIGHTS)),
    "an unknown descriptor and an unresolved reference": (
        {
            "document": association(
                programReference={**association()["programReference"], "programName": "No Such"},
                reasonExitedDescriptor="uri://ed-fi.org/ReasonExitedDescriptor#Fake",
            )
        },
        dict.fromkeys(APIS, (e.UnknownDescriptor, ())),
    ),
}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("case", CASES)
def test_a_refusal_means_one_thing_or_says_what_it_leaves_open(
    sandboxes: dict[str, RunningOds], api: str, case: str
) -> None:
    asked, answers = CASES[case]
    error = refusal(sandboxes[api], **asked)
    assert (type(error), error.meanings) == answers[api]
    assert error.systemic == (answers[api] == RIGHTS)
    assert error.advice
    # The API's own random id may hold any digits.
    said = str(error).replace(error.correlation_id or "-", "")
    for private in (NOBODY, str(DISTRICT), ENROLLED, NOT_ENROLLED):
        assert private not in said
