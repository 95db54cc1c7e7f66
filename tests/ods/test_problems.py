"""What an answer that is no success means: its class, what it names, and whether a write is in doubt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from edfi_cte.ods import errors as e
from edfi_cte.ods.capabilities import ErrorFormat, capabilities_of
from edfi_cte.ods.message import Answer, Request
from edfi_cte.ods.problems import problem_of
from edfi_cte.ods.refusals import denial_of, required_element, unresolved
from tests.ods.dialects import DIALECTS
from tests.ods.refusals import REFUSALS, Refusal

TEXT, DETAILS, OR_NOTHING = ErrorFormat.TEXT, ErrorFormat.PROBLEM_DETAILS, ErrorFormat.PROBLEM_OR_NOTHING
TYPE = "urn:ed-fi:api:"
PAGE = b"<html>Denied</html>"


def refused(status: int, body: Any = b"", form: ErrorFormat = DETAILS, method: str = "PUT", **more: Any) -> e.Refused:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(
        method, URL("https://h/things"), f"{method} things", b"{}" if method in ("PUT", "POST") else None
    )
    return problem_of(Answer(status, CIMultiDict(), text), request, form, **more)


def form_of(dialect: str) -> ErrorFormat:
    return capabilities_of(DIALECTS[dialect].version, dms=dialect == "dms").error_format


@pytest.mark.parametrize(
    ("refusal", "dialect"),
    [
        pytest.param(refusal, dialect, id=f"{dialect}-{refusal.method}-{refusal.case}-{refusal.status}")
        for refusal in REFUSALS
        for dialect in refusal.dialects
        if refusal.status >= 300
    ],
)
def test_every_refusal_is_of_its_class_and_names_its_properties(refusal: Refusal, dialect: str) -> None:
    error = refused(refusal.status, refusal.body, form_of(dialect), refusal.method)
    assert (type(error), error.properties, error.status) == (refusal.error, refusal.properties, refusal.status)
    assert error.meanings == (refusal.meanings or refusal.error.default_meanings)
    assert error.systemic == refusal.systemic


NAMED = {"type": TYPE + "bad-request:data-validation-failed", "detail": "Data validation failed."}


def problem(kind: str, detail: str = "Said.", **more: Any) -> dict[str, Any]:
    return {"type": TYPE + kind, "detail": detail, **more}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, e.ValidationFailed),
        (401, e.AuthenticationFailed),
        (402, e.Refused),
        (403, e.AuthorizationDenied),
        (404, e.NotFound),
        (405, e.Refused),
        (408, e.Unavailable),
        (409, e.Conflict),
        (410, e.Refused),
        (412, e.PreconditionFailed),
        (413, e.Refused),
        (429, e.RateLimited),
        (430, e.Refused),
        (499, e.Refused),
        (500, e.ServerFault),
        (501, e.ServerFault),
        (502, e.Unavailable),
        (503, e.Unavailable),
        (504, e.Unavailable),
        (505, e.ServerFault),
    ],
)
def test_a_status_means_the_same_where_the_body_has_no_type_of_its_own(status: int, kind: type[e.Refused]) -> None:
    said = {"message": "The value 604822 is wrong."}
    assert type(refused(status, said, TEXT)) is kind
    if status not in (403, 404):
        assert type(refused(status, said, DETAILS)) is kind
    assert str(refused(status, said, TEXT, "GET")).startswith(
        f"GET things was refused: The value … is wrong. [{status}, "
    )


@pytest.mark.parametrize(
    ("status", "body", "form", "kind"),
    [
        *((status, PAGE, form, e.NotTheApi) for status in (300, 400, 403, 405, 409, 499) for form in (TEXT, DETAILS)),
        (200, b"", TEXT, e.NotTheApi),
        (299, {"message": "x"}, TEXT, e.NotTheApi),
        (300, {"message": "x"}, TEXT, e.Refused),
        (300, b"", DETAILS, e.Refused),
        (408, PAGE, TEXT, e.Unavailable),
        (413, PAGE, TEXT, e.Refused),
        (414, PAGE, TEXT, e.Refused),
        (415, PAGE, TEXT, e.NotTheApi),
        (429, PAGE, TEXT, e.RateLimited),
        (430, PAGE, TEXT, e.NotTheApi),
        (431, PAGE, TEXT, e.Refused),
        (432, PAGE, TEXT, e.NotTheApi),
        (500, PAGE, TEXT, e.ServerFault),
        (501, PAGE, TEXT, e.ServerFault),
        (404, PAGE, TEXT, e.WrongRoute),
        (404, PAGE, DETAILS, e.WrongRoute),
        (404, PAGE, OR_NOTHING, e.WrongRoute),
        (404, b"", TEXT, e.WrongRoute),
        (404, b"", DETAILS, e.NotTheApi),
        (404, b"", OR_NOTHING, e.NotFound),
        (405, b"", DETAILS, e.Refused),
        (403, b"", DETAILS, e.AuthorizationDenied),
        (404, {"message": "Resource was not found."}, TEXT, e.NotFound),
        (404, {"message": "The specified data could not be found."}, TEXT, e.WrongRoute),
        (404, problem("not-found", ""), DETAILS, e.NotFound),
        (404, problem("not-found"), OR_NOTHING, e.NotFound),
        (404, problem("not-found", "The specified data could not be found."), DETAILS, e.WrongRoute),
        (404, {}, TEXT, e.WrongRoute),
        *((status, {"message": "x"}, form, e.NotTheApi) for status in (403, 404) for form in (DETAILS, OR_NOTHING)),
        (402, {"message": "x"}, DETAILS, e.Refused),
        (405, {"message": "x"}, OR_NOTHING, e.Refused),
        (403, problem("security:authorization"), DETAILS, e.AuthorizationDenied),
    ],
)  # fmt: skip
def test_who_answered_is_told_by_status_and_body(
    status: int, body: Any, form: ErrorFormat, kind: type[e.Refused]
) -> None:
    error = refused(status, body, form)
    assert type(error) is kind
    in_doubt = kind is e.NotTheApi or (kind is e.WrongRoute and body == PAGE)
    assert error.outcome_unknown is in_doubt, "behind another's answer, the API may have carried the write out"
    assert refused(status, body, form, "GET").outcome_unknown is False


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "bad-request:data-validation-failed:new-part:more", e.ValidationFailed),
        (400, "bad-request:data-validation-failed:key-change-not-supported:", e.KeyChangeRefused),
        (409, "data-conflict:unheard-of", e.Conflict),
        (409, "unheard-of:at-all", e.Conflict),
        (503, "unheard-of", e.Unavailable),
        (500, "system:configuration:part", e.Misconfigured),
    ],
)
def test_a_type_is_of_the_kind_of_its_longest_known_part_or_else_of_its_status(
    status: int, kind: str, error: type[e.Refused]
) -> None:
    assert type(refused(status, problem(kind))) is error
    assert type(refused(status, problem(kind), TEXT)) is refused_by(status), "where types are not known, a status is"


def refused_by(status: int) -> type[e.Refused]:
    return type(refused(status, {"message": "Said."}, TEXT))


@pytest.mark.parametrize("kind", [7, None, "urn:other:security:authorization", ["x"]])
def test_a_type_that_is_not_the_apis_is_none(kind: Any) -> None:
    assert type(refused(409, {"type": kind, "detail": "x"})) is e.Conflict
    assert type(refused(403, {"type": kind, "detail": "x"})) is e.NotTheApi


@pytest.mark.parametrize("body", [b"[1]", b'"text"', b"7", b"null", b"\xff", b"[" * 10_000])
def test_what_is_no_json_object_says_nothing_and_is_not_the_apis(body: bytes) -> None:
    error = refused(409, body)
    assert (type(error), error.correlation_id, error.properties) == (e.NotTheApi, None, ())
    assert "was refused: a" in error.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "Required."}, "Required."),
        ({"detail": "Required."}, "Required."),
        ({"message": "Required.", "detail": "Wrong.", "errors": ["Missing.", 7]}, "Required. Wrong. Missing."),
        ({"detail": "Required.", "errors": "no list"}, "Required."),
        ({"detail": "Required. See 'errors' for details.", "errors": ["Is required."]}, "Required. Is required."),
        ({"error": "invalid_client"}, "invalid_client"),
        ({"error": "invalid_client", "message": "Required."}, "Required."),
        ({"error": "604822"}, "a broken JSON text"),
        ({"error": ["invalid_client"]}, "a broken JSON text"),
        ({"validationErrors": {"request.name": ["Is required.", "Is wrong."]}}, "name: Is required. Is wrong."),
        ({"modelState": {"name": "Is required."}}, "name: Is required."),
        ({"validationErrors": {}, "modelState": {"name": ["Is required."]}}, "name: Is required."),
        ({"validationErrors": {"a b": ["Is required."]}}, "…: Is required."),
        ({"validationErrors": ["Is required."], "detail": "Required."}, "Required."),
    ],
)  # fmt: skip
def test_a_refusals_message_is_all_that_its_body_says(body: Any, said: str) -> None:
    assert refused(400, body, TEXT).message == f"PUT things was refused: {said}"


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        ({"validationErrors": {"request.$.a[0].b": ["x"], "c": ["x"], "not one": ["x"]}}, ("$.a[0].b", "c")),
        ({"message": "BeginDate is required.\n EndDate is required."}, ("BeginDate", "EndDate")),
        ({"message": "The field Name must be short."}, ("Name",)),
        ({"message": "The Name property is part of the primary key."}, ("Name",)),
        ({"message": "The related 'school' resource does not exist."}, ("school",)),
        ({"message": "Program reference could not be resolved."}, ("Program",)),
        ({"message": "Nothing else."}, ()),
    ],
)
def test_what_the_api_complains_of_is_named(body: Any, properties: tuple[str, ...]) -> None:
    assert refused(400, body, TEXT).properties == properties


@pytest.mark.parametrize("known", [True, False])
def test_a_correlation_id_is_taken_if_it_is_one(known: bool) -> None:
    for value in ("0HM-7.a:b_c", "x" * 64) if known else ("x" * 65, "a b", "", 7, None, ["x"]):
        assert refused(409, problem("data-conflict", correlationId=value)).correlation_id == (
            value if known else None
        )


@pytest.mark.parametrize(
    ("said", "kind", "allowed"),
    [
        ("Limit must be omitted or set to a value between 0 and 500.", e.LimitRefused, 500),
        ("pageSize must be between 1 and 25", e.LimitRefused, 25),
        ("The page size must be smaller.", e.LimitRefused, None),
        ("offset must be between 0 and 10.", e.BadParameter, None),
    ],
)
def test_a_refused_page_size_tells_the_largest(said: str, kind: type[e.Refused], allowed: int | None) -> None:
    error = refused(400, problem("bad-request:parameter-validation-failed", said), method="GET")
    assert (type(error), getattr(error, "allowed", None)) == (kind, allowed)


def test_a_descriptor_that_is_not_known_is_told_apart_by_the_words_about_a_property_alone() -> None:
    said = "NameDescriptor value 'uri://x' does not exist."
    assert type(refused(400, NAMED | {"validationErrors": {"$.x": [said]}})) is e.UnknownDescriptor
    assert type(refused(400, NAMED | {"validationErrors": {"$.x": ["is wrong"]}})) is e.ValidationFailed
    assert type(refused(409, problem("data-conflict", validationErrors={"$.x": [said]}))) is e.Conflict


def test_the_messages_hold_nothing_of_the_request_nor_of_its_secrets() -> None:
    request = Request("POST", URL("https://h/x?n=required"), "POST x", b'{"a": "wrong"}')
    answer = Answer(400, CIMultiDict(), b'{"message": "Is required, wrong or missing."}')
    error = problem_of(answer, request, TEXT, secrets=frozenset({"missing"}), retry_after=7.0)
    assert error.message == "POST x was refused: Is …, … or …."
    assert error.retry_after == 7.0


NO_CLAIMS = "No relationships have been established between the caller's education organization id claims (none) and"
CLAIMED = "No relationships have been established between the caller's education organization id claims (1) and"
QUOTED = "No relationships have been established between the caller's education organization id claims ('1') and"


@pytest.mark.parametrize(
    ("text", "exact", "kind", "meanings"),
    [
        ("Something else.", False, None, ()),
        ("No relationships. StudentUniqueId", False, None, ()),
        ("A resource item's 'StudentUniqueId'", False, None, ()),
        ("You may need a 'StudentSchoolAssociation'.", False, e.NotYetEnrolled, ("not_enrolled", "unknown")),
        (f"{NO_CLAIMS} the resource item's 'StudentUniqueId' value.", False, e.RightsMissing, ()),
        (f"{CLAIMED} the resource item's 'StudentUniqueId' value.", True, e.NotYetEnrolled, ()),
        (
            f"{CLAIMED} the resource item's 'StudentUniqueId' value.",
            False,
            e.NotYetEnrolled,
            ("not_enrolled", "unknown"),
        ),
        (f"{QUOTED} the resource item's 'StudentUniqueId' value.", False, e.NotYetEnrolled, ()),
        (
            f"{CLAIMED} one of the resource item's 'SchoolId', 'StudentUniqueId' values.",
            True,
            e.NotYetEnrolled,
            ("not_enrolled", "unknown", "out_of_reach"),
        ),
        (f"{CLAIMED} the resource item's 'SchoolId' value.", True, e.OrganizationDenied, ("out_of_reach", "unknown")),
        (f"{QUOTED} the resource item's 'SchoolId' value.", False, e.OrganizationDenied, ()),
        (f"{CLAIMED} the resource item's 'StaffUniqueId' value.", True, None, ()),
        (f"{CLAIMED} the resource item's 'SchoolId', 'StaffUniqueId' values.", True, None, ()),
        (f"{CLAIMED} the resource item's value.", True, None, ()),
    ],
)  # fmt: skip
def test_what_a_missing_relationship_leaves_open(
    text: str, exact: bool, kind: type[e.Refused] | None, meanings: tuple[str, ...]
) -> None:
    denial = denial_of(text, exact=exact)
    assert (denial and (denial.kind, denial.meanings)) == (kind and (kind, meanings))


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ("'StudentUniqueId'", e.StudentUnknown),
        ("'SchoolId'", e.OrganizationUnknown),
        ("'SchoolId', 'StudentUniqueId'", e.UnresolvedReference),
        ("'StaffUniqueId'", e.UnresolvedReference),
        ("value", e.UnresolvedReference),
    ],
)
def test_what_is_required_for_authorization_and_is_not_there(names: str, kind: type[e.Refused]) -> None:
    assert required_element(f"The {names} value is required for authorization purposes.") is kind
    assert required_element(f"Elements are required for authorization purposes: {names}.") is kind
    body = problem(
        "security:authorization:relationships:access-denied:element-required", f"{names} required for authorization"
    )
    assert type(refused(403, body)) is kind


@pytest.mark.parametrize(
    ("named", "kind"),
    [(["Student"], e.StudentUnknown), (["Student", "School"], e.UnresolvedReference), ([], e.UnresolvedReference)],
)
def test_the_student_alone_is_told_from_other_references(named: list[str], kind: type[e.Refused]) -> None:
    text = " ".join(f"The referenced '{name}' item does not exist." for name in named)
    assert unresolved(text) is kind
    assert type(refused(409, problem("data-conflict:unresolved-reference", text))) is kind
