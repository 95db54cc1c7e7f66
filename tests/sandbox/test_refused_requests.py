"""Each way of refusing a request for its path, method, parameters or time, with status and whole body per dialect."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from sandbox.ods import Fault
from tests.sandbox.answers import DATA, ODS, SEE_VALIDATION, Answer, check, message, problem
from tests.sandbox.cases import UNKNOWN_ID, UNKNOWN_TYPE, Case, same, with_item
from tests.sandbox.target import ASSOCIATIONS, Target, association

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
        "dms": problem(405, "method-not-allowed", CONSTRUCTION, text.replace('"', "'"), dms=True),
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
        "Postman ResponseTests: when_getting_a_resource_by_id_that_doesnt_exist; DMS ReadResourcesValidation 01",
        lambda target: target.get(f"{ASSOCIATIONS}/{UNKNOWN_ID}"),
        {
            **same(message(404, NOT_FOUND_TEXT), "5.3", "6.2", "7.1"),
            "7.3": problem(404, "not-found", "The specified item could not be found."),
            "dms": problem(404, "not-found", "The specified item could not be found.", dms=True),
        },
    ),
    Case(
        "PUT to an unknown id",
        "ODS UpsertEntity; DMS UpdateResourcesValidation 04",
        lambda target: target.put(f"{ASSOCIATIONS}/{UNKNOWN_ID}", association()),
        {
            **same(message(404, "Resource to update was not found."), "5.3", "6.2", "7.1"),
            "7.3": problem(404, "not-found", "Resource to update was not found."),
            "dms": problem(404, "not-found", "Resource to update was not found", dms=True),
        },
    ),
    Case(
        "DELETE of an unknown id",
        "Postman ResponseTests: when_deleting_a_resource_that_doesnt_exist; DMS "
        "DeleteResourcesStandaloneValidation 01",
        lambda target: target.call("DELETE", f"{ASSOCIATIONS}/{UNKNOWN_ID}"),
        {
            **same(message(404, "Resource to delete was not found."), "5.3", "6.2", "7.1"),
            "7.3": problem(404, "not-found", "Resource to delete was not found."),
            "dms": problem(404, "not-found", "Resource to delete was not found", dms=True),
        },
    ),
    Case(
        "GET of an id that is none",
        "ODS [FromRoute] Guid (to 6.x), route constraint (7.0+); DMS ParsePathMiddleware",
        lambda target: target.get(f"{ASSOCIATIONS}/xyz"),
        {
            **same(
                message(400, "The request is invalid.", {"request.id": ["The value 'xyz' is not valid."]}),
                "5.3",
                "6.2",
            ),
            "7.1": (404, None),
            "7.3": NO_ROUTE,
            "dms": problem(400, DATA, SEE_VALIDATION, where={"$.id": ["The value 'xyz' is not valid."]}, dms=True),
        },
    ),
    Case(
        "DELETE of an id that is none",
        "Postman ResponseTests: when_deleting_a_resource_with_a_malformed_id; DMS ParsePathMiddleware",
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
        "ODS v7.3 NotFoundException.DefaultDetail; DMS URLValidation 05",
        lambda target: target.get("/ed-fi/studentXYZAssociations"),
        {**same((404, None), "5.3", "6.2", "7.1"), "7.3": NO_ROUTE, "dms": NO_ROUTE_DMS},
    ),
    Case(
        "PATCH",
        "ODS v7.3 MethodNotAllowedException; DMS MethodNotAllowedMiddleware",
        lambda target: target.call("PATCH", ASSOCIATIONS, {}),
        method("The endpoint of the request does not support the 'PATCH' method."),
    ),
    Case(
        "PUT to a collection",
        "Postman ResponseTests: when_putting_a_resource_omitting_the_id; DMS URLValidation 10",
        lambda target: target.call("PUT", ASSOCIATIONS, {}),
        method(COLLECTION_PUT),
    ),
    Case(
        "DELETE of a collection",
        "Postman ResponseTests: when_deleting_a_resource_omitting_the_id; DMS URLValidation 11",
        lambda target: target.call("DELETE", ASSOCIATIONS),
        method(COLLECTION_DELETE),
    ),
    Case(
        "POST to an item",
        "Postman ResponseTests: when_posting_a_resource_including_the_id; DMS URLValidation 09",
        lambda target: target.post(association(), f"{ASSOCIATIONS}/{UNKNOWN_ID}"),
        method(ITEM_POST),
    ),
    Case(
        "If-Match of another version, PUT",
        "Postman ResponseTests: when_putting_a_resource_with_mismatched_etag; DMS etag",
        with_item(lambda target, url: target.put(url, association(), headers={"If-Match": '"1"'})),
        MODIFIED,
    ),
    Case(
        "If-Match of another version, DELETE",
        "Postman ResponseTests: when_deleting_a_resource_with_mismatched_etag; DMS etag",
        with_item(lambda target, url: target.call("DELETE", url, headers={"If-Match": "something"})),
        MODIFIED,
    ),
    Case(
        "limit over the maximum",
        "Postman ResponseTests: GetAll_400_Tests; DMS PagingQueryString 13",
        lambda target: target.get(ASSOCIATIONS, limit=501),
        LIMIT,
    ),
    Case(
        "limit below zero",
        "Postman ResponseTests: GetAll_400_Tests; DMS PagingQueryString 13",
        lambda target: target.get(ASSOCIATIONS, limit=-1),
        LIMIT,
    ),
    Case(
        "offset and page token",
        "Postman Integration (7.3): Paging Validation > Cursor paging, Offset also specified; DMS "
        "CursorRequestValidator",
        lambda target: target.get(ASSOCIATIONS, offset=0, pageToken="MSwy"),
        parameter(
            "Both offset and pageToken parameters were provided, but they support alternative paging approaches and "
            "cannot be used together."
        ),
    ),
    Case(
        "total count and page token",
        "Postman Integration (7.3): Paging Validation > Cursor paging, Total Count requested; DMS "
        "CursorRequestValidator",
        lambda target: target.get(ASSOCIATIONS, totalCount="true", pageToken="MSwy"),
        parameter(
            "Total count cannot be determined while using cursor paging (when pageToken is specified).",
            "The totalCount parameter cannot be set to true when using cursor paging with pageToken.",
        ),
    ),
    Case(
        "page size without a token",
        "Postman Integration (7.3): Paging Validation > Cursor paging, No page token; DMS CursorRequestValidator",
        lambda target: target.get(ASSOCIATIONS, pageSize=5),
        parameter("PageToken is required when pageSize is specified."),
    ),
    Case(
        "page token that is none",
        "Postman Integration (7.3): Paging Validation > Cursor paging, Invalid page token; DMS "
        "CursorRequestValidator",
        lambda target: target.get(ASSOCIATIONS, pageToken="what?"),
        parameter("The page token provided was invalid."),
    ),
    *(
        Case(
            f"{number} partitions",
            "Postman Integration (7.3): Partitions Validation > Invalid Requests; DMS PartitionRequestValidator",
            lambda target, number=number: target.get(f"{ASSOCIATIONS}/partitions", number=number),  # type: ignore[misc]
            parameter("Number of partitions must be between 1 and 200."),
        )
        for number in (0, 201)
    ),
    Case(
        "unknown descriptor in a filter",
        "ODS DescriptorLookup (to 7.1); Postman GetByExample (7.3): non-existent "
        "operationalStatusDescriptor; DMS DescriptorQueriesQueryString 08",
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
        "ODS DefaultExceptionFilter; DMS FailureResponse.ForSystemError",
        with_fault(500),
        {
            **same(message(500, "An unexpected error occurred on the server."), "5.3", "6.2", "7.1"),
            "7.3": problem(500, "system", "An unexpected problem has occurred."),
            "dms": problem(500, "system", "An unexpected problem has occurred.", dms=True),
        },
    ),
    Case(
        "too many requests",
        "a gateway (ODS); DMS FailureResponse.ForTooManyRequests",
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
        "a gateway (ODS); DMS TokenEndpointModule",
        with_fault(502),
        {
            **same((502, None), *ODS),
            "dms": problem(502, "bad-gateway", "The identity provider could not be reached.", dms=True),
        },
    ),
    Case(
        "unavailable",
        "a gateway (ODS); DMS FailureResponse.ForServiceUnavailable",
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
        "ODS authentication challenge (to 7.1), v7.3 EdFiApiAuthenticationMiddleware; DMS "
        "JwtAuthenticationMiddleware",
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


@pytest.mark.cases(ROUTES)
def test_a_request_is_refused(target: Target, case: Case) -> None:
    check(case.ask(target), case.answers[target.dialect], target.dialect)


@pytest.mark.dialects("7.1", "7.3", "dms")
@pytest.mark.proven(
    "ODS RequestCorrelationMiddleware, CorrelationConstants; DMS CorrelationId 01 (its header is a setting)"
)
def test_the_caller_may_name_the_correlation_id(target: Target) -> None:
    header = "correlationid" if target.dialect == "dms" else "correlation-id"

    def told(named: str, **parameters: str) -> str:
        answer = target.get(f"{ASSOCIATIONS}/{UNKNOWN_ID}", headers={header: named}, **parameters)
        return str(answer.json()["correlationId"])

    assert told("mine") == "mine"
    if target.dialect != "dms":
        assert told("", correlationId="asked") == "asked"
        assert told("mine", correlationId="asked") == "mine"
