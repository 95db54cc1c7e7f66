"""Each way of saying no (edfi-api tables of error bodies), with status and whole body per dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sandbox.ods import Fault
from tests.sandbox.answers import DATA, ODS, SEE_ERRORS, SEE_VALIDATION, Answer, check, message, problem
from tests.sandbox.target import ASSOCIATIONS, FORM, WORLD, Target, association

UNKNOWN_ID = "0123456789abcdef0123456789abcdef"
PROGRAM_NAME_65 = "x" * 65
UNKNOWN_TYPE = "uri://ed-fi.org/ProgramTypeDescriptor#No Such Type"


@dataclass(frozen=True)
class Case:
    """One row: what is asked, and what each dialect answers. Dialects that are not named have no such row."""

    name: str
    ask: Callable[[Target], httpx.Response]
    answers: Mapping[str, Answer]


def same(answer: Answer, *dialects: str) -> dict[str, Answer]:
    return dict.fromkeys(dialects, answer)


def invalid(lines: str, path: str, text: str, dms_text: str = "", dms_path: str = "") -> dict[str, Answer]:
    """A failed validation: `lines` up to 7.1, `text` at `path` from 7.2 on."""
    legacy = message(400, f"Validation of 'StudentCTEProgramAssociation' failed.\n{lines}")
    answers = {**same(legacy, "5.3", "6.2"), "7.3": problem(400, DATA, SEE_VALIDATION, where={path: [text]})}
    answers["7.1"] = legacy
    if dms_text:
        answers["dms"] = problem(400, DATA, SEE_VALIDATION, where={dms_path or path: [dms_text]}, dms=True)
    return answers


def program(**changes: Any) -> dict[str, Any]:
    return {**association()["programReference"], **changes}


def services(*values: str) -> list[dict[str, Any]]:
    return [{"cteProgramServiceDescriptor": value} for value in values]


def shared_key(target: Target) -> httpx.Response:
    """The six key values in another subtype first: they live in one base table."""
    plain = association(nonTraditionalGenderStatus=None, cteProgramServices=None)
    target.created(plain, "/ed-fi/studentProgramAssociations")
    answer = target.post(association())
    for row in target.get("/ed-fi/studentProgramAssociations", studentUniqueId=WORLD.student).json():
        if row["beginDate"] == plain["beginDate"]:
            target.call("DELETE", f"/ed-fi/studentProgramAssociations/{row['id']}")
    return answer


KEY_NAMES = (
    "beginDate, educationOrganizationId, programEducationOrganizationId, programName, programTypeDescriptor, "
    "studentUniqueId"
)
KEY_VALUES = f"2019-08-23, {WORLD.district}, {WORLD.district}, {WORLD.program}, {WORLD.program_type}, {WORLD.student}"
KEY_PAIRS = ", ".join(
    f"({name} = {value})"
    for name, value in zip(
        KEY_NAMES.split(", "),
        ("2019-08-23", WORLD.district, WORLD.district, WORLD.program, WORLD.program_type, WORLD.student),
        strict=True,
    )
)
PROGRAM_REFERENCE = "$.programReference"
NOT_DANGEROUS = (
    "ProgramName contains a value that could be dangerous for downstream systems using this data. Try to avoid the "
    "use of special symbols like '<', '>' or '&' without surrounding spaces."
)
DMS_RESOLVE = "One or more references could not be resolved. See 'validationErrors' for details."
COULD_NOT = "Could not convert string to boolean: perhaps. Path 'privateCTEProgram', line 1, position 1."

BODIES = [
    Case(
        "required property missing",
        lambda target: target.post(association(beginDate=None)),
        invalid("\tBeginDate is required.\n", "$.beginDate", "BeginDate is required.", "beginDate is required."),
    ),
    Case(
        "required reference missing",
        lambda target: target.post(association(studentReference=None)),
        invalid(
            "\tStudentReference is required.\n",
            "$.studentReference",
            "StudentReference is required.",
            "studentReference is required.",
        ),
    ),
    Case(
        "all problems at once",
        lambda target: target.post(association(beginDate=None, programReference=program(programName="  x"))),
        {
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.beginDate": ["BeginDate is required."],
                    "$.programReference.programName": ["ProgramName cannot contain leading or trailing spaces."],
                },
            )
        },
    ),
    Case(
        "not a date",
        lambda target: target.post(association(beginDate="word")),
        {
            "5.3": message(400, "The request is invalid.", {"request.beginDate": ["The supplied value is invalid."]}),
            **same(
                message(
                    400,
                    "The request is invalid.",
                    {"request.beginDate": ["String 'word' was not recognized as a valid date."]},
                ),
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.beginDate": ["String 'word' was not recognized as a valid date."]},
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.beginDate": ["The value 'word' is not valid for beginDate."]},
                dms=True,
            ),
        },
    ),
    Case(
        "a date with a time",
        lambda target: target.post(association(beginDate="2019-08-23T00:00:00")),
        {
            "5.3": message(400, "The request is invalid.", {"request.beginDate": ["The supplied value is invalid."]}),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.beginDate": ["String '2019-08-23T00:00:00' was not recognized as a valid date."]},
            ),
        },
    ),
    Case(
        "wrong JSON type",
        lambda target: target.post(association(privateCTEProgram="perhaps")),
        {
            "5.3": message(
                400, "The request is invalid.", {"request.privateCTEProgram": ["The supplied value is invalid."]}
            ),
            **same(message(400, "The request is invalid.", {"request.privateCTEProgram": [COULD_NOT]}), "6.2", "7.1"),
            "7.3": problem(400, DATA, SEE_VALIDATION, where={"$.privateCTEProgram": [COULD_NOT]}),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.privateCTEProgram": ['privateCTEProgram Value is "string" but should be "boolean"']},
                dms=True,
            ),
        },
    ),
    Case(
        "education organization id too large",
        lambda target: target.post(association(educationOrganizationReference={"educationOrganizationId": 2**40})),
        {
            "5.3": message(
                400,
                "The request is invalid.",
                {
                    "request.educationOrganizationReference.educationOrganizationId": [
                        "The supplied value is invalid."
                    ]
                },
            ),
            "6.2": message(
                400,
                "The request is invalid.",
                {
                    "request.educationOrganizationReference.educationOrganizationId": [
                        "Error converting value 1099511627776 to type 'System.Int32'. Path "
                        "'educationOrganizationReference.educationOrganizationId', line 1, position 1."
                    ]
                },
            ),
        },
    ),
    Case(
        "string too long",
        lambda target: target.post(association(programReference=program(programName=PROGRAM_NAME_65))),
        invalid(
            "\tThe field ProgramName must be a string with a maximum length of 60.\n",
            "$.programReference.programName",
            "ProgramName must be at most 60 characters in length.",
            "programName must be at most 60 characters in length.",
        ),
    ),
    *(
        Case(
            f"whitespace {place} a key",
            lambda target, name=name: target.post(association(programReference=program(programName=name))),  # type: ignore[misc]
            invalid(
                "\tProgramName property is part of the primary key and therefore its value cannot contain leading or "
                "trailing whitespace.\n",
                "$.programReference.programName",
                "ProgramName cannot contain leading or trailing spaces.",
                "programName cannot contain leading or trailing spaces.",
            ),
        )
        for place, name in (("before", " Career"), ("after", "Career "))
    ),
    Case(
        "empty required string",
        lambda target: target.post(association(studentReference={"studentUniqueId": ""})),
        {
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.studentReference.studentUniqueId": [
                        "StudentUniqueId is required and should not be left empty."
                    ]
                },
            )
        },
    ),
    Case(
        "markup in a text",
        lambda target: target.post(association(programReference=program(programName="a<b"))),
        {
            **same(
                message(
                    400,
                    "Validation of 'StudentCTEProgramAssociation' failed.\n"
                    "\tProgramName contains a potentially dangerous value.\n",
                ),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(400, DATA, SEE_VALIDATION, where={"$.programReference.programName": [NOT_DANGEROUS]}),
        },
    ),
    Case(
        "the same item twice in a collection",
        lambda target: target.post(association(cteProgramServices=services(WORLD.service, WORLD.service.upper()))),
        {
            **same(
                message(
                    400,
                    "Validation of 'StudentCTEProgramAssociation' failed.\n"
                    "\tCteProgramServices enumerable contains duplicate at index: 1\n",
                ),
                "5.3",
                "6.2",
            ),
            "7.1": message(
                400,
                "Validation of 'StudentCTEProgramAssociation' failed.\n"
                "\tThe 2nd item of the CteProgramServices collection is a duplicate.\n",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.cteProgramServices": [
                        "The 2nd item of the CteProgramServices has the same identifying values as another item "
                        "earlier in the list."
                    ]
                },
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.cteProgramServices": [
                        "The 2nd item of the cteProgramServices has the same identifying values as another item "
                        "earlier in the list."
                    ]
                },
                dms=True,
            ),
        },
    ),
    Case(
        "unknown descriptor",
        lambda target: target.post(association(programReference=program(programTypeDescriptor=UNKNOWN_TYPE))),
        {
            **same(
                message(
                    400,
                    f"Unable to resolve value '{UNKNOWN_TYPE}' to an existing 'ProgramTypeDescriptor' resource.",
                ),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.programReference.programTypeDescriptor": [
                        f"ProgramTypeDescriptor value '{UNKNOWN_TYPE}' does not exist."
                    ]
                },
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.programReference.programTypeDescriptor": [
                        f"ProgramTypeDescriptor value '{UNKNOWN_TYPE.lower()}' does not exist."
                    ]
                },
                dms=True,
            ),
        },
    ),
    Case(
        "something that is no descriptor",
        lambda target: target.post(association(reasonExitedDescriptor="Other")),
        {
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.reasonExitedDescriptor": [
                        "'Other' is not a valid value for use as a descriptor (a '#' is expected to delimit the "
                        "namespace and code value)."
                    ]
                },
            )
        },
    ),
    Case(
        "partial reference",
        lambda target: target.post(association(programReference=program(programName=None))),
        {
            # A required reference that is ignored for its missing part is missing itself.
            **same(
                message(
                    400, "Validation of 'StudentCTEProgramAssociation' failed.\n\tProgramReference is required.\n"
                ),
                "5.3",
                "6.2",
            ),
            "7.1": message(
                400,
                "Validation of 'StudentCTEProgramAssociation' failed.\n"
                "\tProgramReference is missing the following properties: ProgramName\n",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.programReference": ["ProgramReference is missing the following properties: ProgramName"]},
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.programReference.programName": ["programName is required."]},
                dms=True,
            ),
        },
    ),
    Case(
        "empty body",
        lambda target: target.post(None, content=b""),
        {
            **same(message(400, "A non-empty request body is required."), "5.3", "6.2", "7.1"),
            "7.3": problem(400, "bad-request", SEE_ERRORS, "A non-empty request body is required."),
            "dms": problem(400, "bad-request", SEE_ERRORS, "A non-empty request body is required.", dms=True),
        },
    ),
    Case(
        "id in the body of a POST",
        lambda target: target.post(association(id=UNKNOWN_ID)),
        {
            **same(message(400, "Resource identifiers cannot be assigned by the client."), "5.3", "6.2", "7.1"),
            "7.3": problem(
                400,
                DATA,
                "The request data was constructed incorrectly.",
                "Resource identifiers cannot be assigned by the client. The 'id' property should not be included in "
                "the request body.",
            ),
            "dms": problem(
                400,
                DATA,
                "The request data was constructed incorrectly.",
                "Resource identifiers cannot be assigned by the client. The 'id' property should not be included in "
                "the request body.",
                dms=True,
            ),
        },
    ),
    Case(
        "content type",
        lambda target: target.post(None, content=b"beginDate=2019-08-23", headers={"Content-Type": FORM}),
        {
            **same((415, None), "5.3", "6.2", "7.1"),
            "7.3": problem(
                415,
                "unsupported-media-type",
                "The request construction was invalid.",
                "The value specified in the 'Content-Type' header is not supported by this host.",
            ),
            "dms": problem(
                415,
                "unsupported-media-type",
                "The request construction was invalid.",
                "The value specified in the 'Content-Type' header is not supported by this host.",
                dms=True,
            ),
        },
    ),
    Case(
        "unresolved reference",
        lambda target: target.post(association(programReference=program(programName="No Such Program"))),
        {
            **same(
                message(409, "The value supplied for the related 'program' resource does not exist."),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                409, "data-conflict:unresolved-reference", "The referenced 'Program' item does not exist."
            ),
            "dms": problem(
                409,
                "data-conflict:unresolved-reference",
                DMS_RESOLVE,
                where={PROGRAM_REFERENCE: ["The referenced Program item does not exist."]},
                dms=True,
            ),
        },
    ),
    Case(
        "two unresolved references",
        lambda target: target.post(
            association(
                programReference=program(programName="No Such Program"),
                studentReference={"studentUniqueId": "no-such-student"},
            )
        ),
        {
            "dms": problem(
                409,
                "data-conflict:unresolved-reference",
                DMS_RESOLVE,
                where={
                    PROGRAM_REFERENCE: ["The referenced Program item does not exist."],
                    "$.studentReference": ["The referenced Student item does not exist."],
                },
                dms=True,
            )
        },
    ),
    Case(
        "key taken by another subtype",
        shared_key,
        {
            **same(
                message(
                    409,
                    "A natural key conflict occurred when attempting to create a new resource "
                    "'StudentCTEProgramAssociation' with a duplicate key. The duplicated columns and values are "
                    f"[{KEY_NAMES}] ({KEY_VALUES})",
                ),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                409,
                "data-conflict:non-unique-identity",
                "The identifying value(s) of the item are the same as another item that already exists.",
                "A primary key conflict occurred when attempting to create or update a record in the "
                f"'GeneralStudentProgramAssociation' table. The duplicate key is ({KEY_NAMES}) = ({KEY_VALUES}).",
            ),
            "dms": problem(
                409,
                "identity-conflict",
                "The identifying value(s) of the item are the same as another item that already exists.",
                "A natural key conflict occurred when attempting to create a new resource "
                f"StudentCTEProgramAssociation with a duplicate key. The duplicate keys and their values are "
                f"{KEY_PAIRS}",
                dms=True,
            ),
        },
    ),
]


def with_item(ask: Callable[[Target, str], httpx.Response]) -> Callable[[Target], httpx.Response]:
    """Asks for something about an association that was just created."""
    return lambda target: ask(target, target.created())


NOT_FOUND_TEXT = "Entity of type 'StudentCTEProgramAssociation' with the specified id was not found."
NO_ROUTE = problem(404, "not-found", "The specified data could not be found.")
NO_ROUTE_DMS = problem(404, "not-found", "The specified data could not be found.", dms=True)
CONSTRUCTION = "The request construction was invalid."
COLLECTION_PUT = (
    'Resource collections cannot be replaced. To "upsert" an item in the collection, use POST. To update a specific '
    'item, use PUT and include the "id" in the route.'
)
COLLECTION_DELETE = (
    'Resource collections cannot be deleted. To delete a specific item, use DELETE and include the "id" in the route.'
)
ITEM_POST = (
    'Resource items can only be updated using PUT. To "upsert" an item in the resource collection using POST, remove '
    'the "id" from the route.'
)
LIMIT_5 = (
    "Limit must be omitted or set to a value between 1 and max value defined in configuration file "
    "(defaultPageSizeLimit)."
)
LIMIT_7 = "Limit must be omitted or set to a value between 0 and 500."
DMS_PARAMETERS = "Parameters supplied to the request were invalid."


def parameter(text: str, dms_text: str = "") -> dict[str, Answer]:
    """A parameter refused, in the words of 7.3 and of the Data Management Service."""
    kind = "bad-request:parameter-validation-failed"
    return {
        "7.3": problem(400, kind, CONSTRUCTION, text),
        "dms": problem(400, kind, DMS_PARAMETERS, dms_text or text, dms=True),
    }


def method(text: str) -> dict[str, Answer]:
    return {
        **same((405, None), "5.3", "6.2", "7.1"),
        "7.3": problem(405, "method-not-allowed", CONSTRUCTION, text),
        "dms": problem(405, "method-not-allowed", CONSTRUCTION, text, dms=True),
    }


LIMIT = {
    **same(message(400, LIMIT_5), "5.3", "6.2"),
    "7.1": message(400, LIMIT_7),
    **parameter(
        "Limit must be a value between 0 and 500.",
        "Limit must be omitted or set to a numeric value between 0 and 500.",
    ),
}
MODIFIED = {
    **same(message(412, "Resource was modified by another consumer."), "5.3", "6.2", "7.1"),
    "7.3": problem(412, "optimistic-lock-failed", "The item has been modified by another user."),
    "dms": problem(
        412,
        "optimistic-lock-failed",
        "The item has been modified by another user.",
        "The resource item's etag value does not match what was specified in the 'If-Match' request header "
        "indicating that it has been modified by another client since it was last retrieved.",
        dms=True,
    ),
}
ROUTES = [
    Case(
        "GET of an unknown id",
        lambda target: target.get(f"{ASSOCIATIONS}/{UNKNOWN_ID}"),
        {
            **same(message(404, NOT_FOUND_TEXT), "5.3", "6.2", "7.1"),
            "7.3": problem(404, "not-found", "The specified item could not be found."),
            "dms": problem(404, "not-found", "The specified item could not be found.", dms=True),
        },
    ),
    Case(
        "PUT to an unknown id",
        lambda target: target.put(f"{ASSOCIATIONS}/{UNKNOWN_ID}", association()),
        {
            **same(message(404, "Resource to update was not found."), "5.3", "6.2", "7.1"),
            "7.3": problem(404, "not-found", "Resource to update was not found."),
            "dms": problem(404, "not-found", "Resource to update was not found", dms=True),
        },
    ),
    Case(
        "DELETE of an unknown id",
        lambda target: target.call("DELETE", f"{ASSOCIATIONS}/{UNKNOWN_ID}"),
        {
            **same(message(404, "Resource to delete was not found."), "5.3", "6.2", "7.1"),
            "7.3": problem(404, "not-found", "Resource to delete was not found."),
            "dms": problem(404, "not-found", "Resource to delete was not found", dms=True),
        },
    ),
    Case(
        "GET of an id that is none",
        lambda target: target.get(f"{ASSOCIATIONS}/xyz"),
        {
            **same(
                message(400, "The request is invalid.", {"request.id": ["The value 'xyz' is not valid."]}),
                "5.3",
                "6.2",
            ),
            "7.1": (404, None),
            "7.3": NO_ROUTE,
            "dms": NO_ROUTE_DMS,
        },
    ),
    Case(
        "DELETE of an id that is none",
        lambda target: target.call("DELETE", f"{ASSOCIATIONS}/xyz"),
        {
            **same(
                message(400, "The request is invalid.", {"request.id": ["The value 'xyz' is not valid."]}),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(400, DATA, SEE_VALIDATION, where={"$.id": ["The value 'xyz' is not valid."]}),
            "dms": problem(400, DATA, SEE_VALIDATION, where={"$.id": ["The value 'xyz' is not valid."]}, dms=True),
        },
    ),
    Case(
        "unknown resource",
        lambda target: target.get("/ed-fi/studentXYZAssociations"),
        {**same((404, None), "5.3", "6.2", "7.1"), "7.3": NO_ROUTE, "dms": NO_ROUTE_DMS},
    ),
    Case(
        "PATCH",
        lambda target: target.call("PATCH", ASSOCIATIONS, {}),
        method("The endpoint of the request does not support the 'PATCH' method."),
    ),
    Case("PUT to a collection", lambda target: target.call("PUT", ASSOCIATIONS, {}), method(COLLECTION_PUT)),
    Case("DELETE of a collection", lambda target: target.call("DELETE", ASSOCIATIONS), method(COLLECTION_DELETE)),
    Case(
        "POST to an item",
        lambda target: target.post(association(), f"{ASSOCIATIONS}/{UNKNOWN_ID}"),
        method(ITEM_POST),
    ),
    Case(
        "If-Match of another version, PUT",
        with_item(lambda target, url: target.put(url, association(), headers={"If-Match": '"1"'})),
        MODIFIED,
    ),
    Case(
        "If-Match of another version, DELETE",
        with_item(lambda target, url: target.call("DELETE", url, headers={"If-Match": "something"})),
        MODIFIED,
    ),
    Case("limit over the maximum", lambda target: target.get(ASSOCIATIONS, limit=501), LIMIT),
    Case("limit below zero", lambda target: target.get(ASSOCIATIONS, limit=-1), LIMIT),
    Case(
        "offset and page token",
        lambda target: target.get(ASSOCIATIONS, offset=0, pageToken="MSwy"),
        parameter(
            "Both offset and pageToken parameters were provided, but they support alternative paging approaches and "
            "cannot be used together."
        ),
    ),
    Case(
        "total count and page token",
        lambda target: target.get(ASSOCIATIONS, totalCount="true", pageToken="MSwy"),
        parameter(
            "Total count cannot be determined while using cursor paging (when pageToken is specified).",
            "The totalCount parameter cannot be set to true when using cursor paging with pageToken.",
        ),
    ),
    Case(
        "page size without a token",
        lambda target: target.get(ASSOCIATIONS, pageSize=5),
        parameter("PageToken is required when pageSize is specified."),
    ),
    Case(
        "page token that is none",
        lambda target: target.get(ASSOCIATIONS, pageToken="what?"),
        parameter("The page token provided was invalid."),
    ),
    *(
        Case(
            f"{number} partitions",
            lambda target, number=number: target.get(f"{ASSOCIATIONS}/partitions", number=number),  # type: ignore[misc]
            parameter("Number of partitions must be between 1 and 200."),
        )
        for number in (0, 201)
    ),
    Case(
        "unknown descriptor in a filter",
        lambda target: target.get(ASSOCIATIONS, programTypeDescriptor=UNKNOWN_TYPE),
        {
            **same(
                message(
                    400,
                    f"Unable to resolve value '{UNKNOWN_TYPE}' to an existing 'ProgramTypeDescriptor' resource.",
                ),
                "5.3",
                "6.2",
                "7.1",
            ),
            **same((200, []), "7.3", "dms"),
        },
    ),
]


def with_fault(status: int) -> Callable[[Target], httpx.Response]:
    """Asks for something of a server that is to fail with a status."""

    def ask(target: Target) -> httpx.Response:
        assert target.control is not None
        with target.control.faults(Fault("status", status=status)):
            return target.get(ASSOCIATIONS)

    return ask


FAULTS = [
    Case(
        "unhandled",
        with_fault(500),
        {
            **same(message(500, "An unexpected error occurred on the server."), "5.3", "6.2", "7.1"),
            "7.3": problem(500, "system", "An unexpected problem has occurred."),
            "dms": problem(500, "system", "An unexpected problem has occurred.", dms=True),
        },
    ),
    Case(
        "too many requests",
        with_fault(429),
        {
            **same((429, None), *ODS),
            "dms": problem(
                429,
                "too-many-requests",
                "The number of allowed requests has been exceeded. Retry the request later.",
                dms=True,
            ),
        },
    ),
    Case(
        "identity provider down",
        with_fault(502),
        {
            **same((502, None), *ODS),
            "dms": problem(502, "bad-gateway", "The identity provider could not be reached.", dms=True),
        },
    ),
    Case(
        "unavailable",
        with_fault(503),
        {
            **same((503, None), *ODS),
            "dms": problem(
                503,
                "service-unavailable",
                "The service is temporarily unable to handle the request. Retry the request later.",
                dms=True,
            ),
        },
    ),
    Case(
        "expired token on demand",
        with_fault(401),
        {
            **same((401, None), "5.3", "6.2", "7.1"),
            **same(
                problem(401, "security:authentication", "The caller could not be authenticated.", "Invalid token"),
                "7.3",
                "dms",
            ),
        },
    ),
]


@pytest.mark.needs_seeding
@pytest.mark.cases(FAULTS)
def test_a_fault_speaks_the_dialects_words(target: Target, case: Case) -> None:
    target.token()
    check(case.ask(target), case.answers[target.dialect], target.dialect)


@pytest.mark.cases([*BODIES, *ROUTES])
def test_a_request_is_refused(target: Target, case: Case) -> None:
    check(case.ask(target), case.answers[target.dialect], target.dialect)


@pytest.mark.dialects("7.1", "7.3", "dms")
@pytest.mark.parametrize("member", ["header", "parameter"])
def test_the_caller_may_name_the_correlation_id(target: Target, member: str) -> None:
    options: dict[str, Any] = (
        {"headers": {"correlationId": "mine"}} if member == "header" else {"correlationId": "mine"}
    )
    assert target.get(f"{ASSOCIATIONS}/{UNKNOWN_ID}", **options).json()["correlationId"] == "mine"
