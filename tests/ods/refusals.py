"""Every refusal that the Ed-Fi APIs in service are known to give, and the error it must become.

The wordings are those of the servers' sources and tests. ``{id}`` stands for a student's id wherever the servers
quote one, so that each row also shows that it is not repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edfi_cte.ods import errors as e

STUDENT = "604822"
_TEXT = ("5.3", "6.2", "7.1")
_PROBLEM = ("7.3",)
_DMS = ("dms",)


@dataclass(frozen=True)
class Refusal:
    case: str
    dialects: tuple[str, ...]
    status: int
    body: Any
    error: type[e.EdFiError]
    properties: tuple[str, ...] = ()
    systemic: bool = False
    says: str = ""
    method: str = "POST"


def _text(case: str, status: int, message: str, error: type[e.EdFiError], **more: Any) -> Refusal:
    dialects = more.pop("dialects", _TEXT)
    state = {"modelState": more.pop("state")} if "state" in more else {}
    body = {"message": message.replace("{id}", STUDENT), **state}
    return Refusal(case, dialects, status, body, error, **more)


def _problem(case: str, status: int, kind: str, detail: str, error: type[e.EdFiError], **more: Any) -> Refusal:
    dialects = more.pop("dialects", _PROBLEM)
    body: dict[str, Any] = {
        "detail": detail,
        "type": f"urn:ed-fi:api:{kind}",
        "title": "…",
        "status": status,
        "correlationId": "0f9c-77",
    }
    if dialects == _DMS:
        body |= {"validationErrors": {}, "errors": []}
    if told := more.pop("errors", None):
        body["errors"] = [text.replace("{id}", STUDENT) for text in told]
    if invalid := more.pop("invalid", None):
        body["validationErrors"] = {path: [text.replace("{id}", STUDENT)] for path, text in invalid.items()}
    return Refusal(case, dialects, status, body, error, **more)


_VALIDATION_FAILED = "Data validation failed. See 'validationErrors' for details."
_CONSTRUCTION = "The request construction was invalid."

UP_TO_7_1 = (
    _text(
        "missing required",
        400,
        "Validation of 'StudentCTEProgramAssociation' failed.\n\tBeginDate is required.\n",
        e.ValidationFailed,
        properties=("BeginDate",),
        says="BeginDate is required.",
    ),
    _text(
        "wrong JSON type",
        400,
        "The request is invalid.",
        e.ValidationFailed,
        state={"request.beginDate": ["The supplied value '{id}' is invalid."]},
        properties=("beginDate",),
    ),
    _text(
        "string too long",
        400,
        "Validation of 'Program' failed.\n\tThe field ProgramName must be a string with a maximum length of 60.",
        e.ValidationFailed,
        properties=("ProgramName",),
        says="maximum length of 60",
    ),
    _text("empty body", 400, "A non-empty request body is required.", e.ValidationFailed),
    _text(
        "whitespace in a key",
        400,
        "StudentUniqueId property is part of the primary key and therefore its value cannot contain leading or "
        "trailing whitespace.",
        e.ValidationFailed,
        properties=("StudentUniqueId",),
    ),
    _text("duplicate in a collection", 400, "services enumerable contains duplicate at index: 1", e.ValidationFailed),
    _text(
        "unknown descriptor",
        400,
        "Unable to resolve value 'uri://ed-fi.org/ProgramTypeDescriptor#No, Such/Thing' to an existing "
        "'ProgramTypeDescriptor' resource.",
        e.UnknownDescriptor,
        properties=("ProgramTypeDescriptor",),
        says="'uri://ed-fi.org/ProgramTypeDescriptor#No, Such/Thing'",
    ),
    _text("id in a POST", 400, "Resource identifiers cannot be assigned by the client.", e.ValidationFailed),
    _text(
        "bad id",
        400,
        "The request is invalid.",
        e.ValidationFailed,
        state={"request.id": ["The value '{id}' is not valid."]},
        properties=("id",),
    ),
    _text(
        "limit",
        400,
        "Limit must be omitted or set to a value between 1 and max value defined in configuration file "
        "(defaultPageSizeLimit).",
        e.LimitRefused,
        method="GET",
    ),
    _text(
        "unresolved reference",
        409,
        "The value supplied for the related 'program' resource does not exist.",
        e.UnresolvedReference,
        properties=("program",),
        says="'program'",
    ),
    _text(
        "key change",
        400,
        "Key values for this resource cannot be changed. Delete and recreate the resource item.",
        e.KeyChangeRefused,
        dialects=("7.1",),
        method="PUT",
    ),
    _text(
        "dependents",
        409,
        "The resource (or a subordinate entity of the resource) cannot be deleted because it is a dependency of the "
        "'StudentCompetencyObjective' entity.",
        e.DependentExists,
        method="DELETE",
    ),
    _text(
        "duplicate key in a race",
        409,
        "A natural key conflict occurred when attempting to create a new resource 'StudentCTEProgramAssociation' "
        "with a duplicate key. The duplicated columns and values are [StudentUSI] ({id}).",
        e.NaturalKeyConflict,
    ),
    _text(
        "values of a sibling",
        409,
        "The values (2026-08-20, 39141, {id}) supplied for properties 'BeginDate, EducationOrganizationId' of entity "
        "'GeneralStudentProgramAssociation' are not unique.",
        e.NaturalKeyConflict,
    ),
    _text(
        "no claim",
        403,
        "Access to the resource could not be authorized. Are you missing a claim? This resource can be authorized by "
        "the following claims:\n\thttp://ed-fi.org/ods/identity/claims/program",
        e.AuthorizationDenied,
        systemic=True,
    ),
    _text(
        "claim without the action",
        403,
        "Access to the resource could not be authorized for the requested action 'Create'.",
        e.AuthorizationDenied,
        systemic=True,
    ),
    _text(
        "not enrolled",
        403,
        "Authorization denied.  The claim does not have any established relationships with the requested resource.",
        e.NotYetEnrolled,
        dialects=("5.3",),
    ),
    _text(
        "not enrolled",
        403,
        "Authorization denied. No relationships have been established between the caller's education organization id "
        "claim (39141) and the resource item's 'StudentUniqueId' value.",
        e.NotYetEnrolled,
        dialects=("6.2", "7.1"),
        says="'StudentUniqueId'",
    ),
    _text(
        "not enrolled, or elsewhere",
        403,
        "Authorization denied. No relationships have been established between the caller's education organization id "
        "claims (39141, 39142) and one or more of the following properties of the resource item: "
        "'EducationOrganizationId', 'StudentUniqueId'.",
        e.NotYetEnrolled,
        dialects=("6.2", "7.1"),
    ),
    _text(
        "no such student",
        403,
        "Access to the resource item could not be authorized because the 'StudentUSI' of the resource is empty.",
        e.UnresolvedReference,
        dialects=("5.3",),
    ),
    _text(
        "no such student",
        409,
        "Access to the resource item could not be authorized because the 'Student' was not found.",
        e.UnresolvedReference,
        dialects=("6.2", "7.1"),
        properties=("Student",),
    ),
    _text(
        "another education organization",
        403,
        "Authorization denied. No relationships have been established between the caller's education organization id "
        "claim (39141) and the resource item's 'EducationOrganizationId' value.",
        e.AuthorizationDenied,
        dialects=("6.2", "7.1"),
    ),
    _text(
        "unknown id",
        404,
        "Entity of type 'StudentCTEProgramAssociation' with the specified id was not found.",
        e.NotFound,
        method="GET",
    ),
    _text("unknown id", 404, "Resource to update was not found.", e.NotFound, method="PUT"),
    Refusal("unknown path", _TEXT, 404, b"", e.WrongRoute, systemic=True, says="an empty body"),
    Refusal("method", _TEXT, 405, b"", e.Refused),
    _text("If-Match", 412, "Resource was modified by another consumer.", e.PreconditionFailed, method="PUT"),
    Refusal("content type", _TEXT, 415, b"", e.Refused),
    Refusal("snapshot", ("5.3", "6.2"), 410, {"message": "Snapshot not available."}, e.Refused, method="GET"),
    _text("unhandled", 500, "An unexpected error occurred on the server.", e.ServerFault),
)

FROM_7_2 = (
    _problem(
        "empty body",
        400,
        "bad-request",
        "The request could not be processed. See 'errors' for details.",
        e.ValidationFailed,
        errors=["A non-empty request body is required."],
        says="A non-empty request body is required.",
    ),
    _problem(
        "invalid data",
        400,
        "bad-request:data-validation-failed",
        _VALIDATION_FAILED,
        e.ValidationFailed,
        invalid={
            "$.beginDate": "BeginDate is required.",
            "$.studentReference.studentUniqueId": "StudentUniqueId must be at most 32 characters in length.",
            "$.services[1].serviceBeginDate": "Could not convert string to DateTime: {id}. Path '', line 1.",
            "$.educationOrganizationReference": "Error converting value Zebulon to type 'System.Int64'. Path 'x'.",
        },
        properties=(
            "$.beginDate",
            "$.studentReference.studentUniqueId",
            "$.services[1].serviceBeginDate",
            "$.educationOrganizationReference",
        ),
        says="must be at most 32 characters",
    ),
    _problem(
        "unknown descriptor",
        400,
        "bad-request:data-validation-failed",
        _VALIDATION_FAILED,
        e.UnknownDescriptor,
        invalid={
            "$.programReference.programTypeDescriptor": "ProgramTypeDescriptor value "
            "'uri://ed-fi.org/ProgramTypeDescriptor#None Such' does not exist."
        },
        properties=("$.programReference.programTypeDescriptor",),
        says="'uri://ed-fi.org/ProgramTypeDescriptor#None Such'",
    ),
    _problem(
        "id in a POST",
        400,
        "bad-request:data-validation-failed",
        "The request data was constructed incorrectly.",
        e.ValidationFailed,
        errors=["Resource identifiers cannot be assigned by the client."],
    ),
    _problem(
        "key change",
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
        "Identifying values for the StudentCTEProgramAssociation data cannot be changed.",
        e.KeyChangeRefused,
        method="PUT",
    ),
    _problem(
        "limit",
        400,
        "bad-request:parameter-validation-failed",
        _CONSTRUCTION,
        e.LimitRefused,
        errors=["Limit must be a value between 0 and 500."],
        method="GET",
    ),
    _problem(
        "another parameter",
        400,
        "bad-request:parameter-validation-failed",
        _CONSTRUCTION,
        e.BadParameter,
        errors=["PageToken is required when pageSize is specified."],
        properties=("PageToken",),
        method="GET",
    ),
    _problem("policy", 400, "bad-request:data-policy-enforced", "A policy.", e.ValidationFailed),
    _problem("profile", 400, "profile:invalid-profile-usage", "A profile.", e.ValidationFailed),
    _problem(
        "not enrolled",
        403,
        "security:authorization",
        "Access to the requested data could not be authorized. Hint: You may need to create a corresponding "
        "'StudentSchoolAssociation' item.",
        e.NotYetEnrolled,
        errors=[
            "No relationships have been established between the caller's education organization id claims (39141, "
            "39142) and the resource item's 'StudentUniqueId' value."
        ],
        says="'StudentSchoolAssociation' item",
    ),
    _problem(
        "another education organization",
        403,
        "security:authorization",
        "Access to the requested data could not be authorized.",
        e.AuthorizationDenied,
        errors=["No relationships … and the resource item's 'EducationOrganizationId' value."],
    ),
    _problem(
        "no claim",
        403,
        "security:authorization:access-denied:resource",
        "Access to the requested data could not be authorized.",
        e.AuthorizationDenied,
        systemic=True,
    ),
    _problem(
        "claim without the action",
        403,
        "security:authorization:access-denied:action",
        "Access to the requested data could not be authorized.",
        e.AuthorizationDenied,
        systemic=True,
    ),
    _problem(
        "namespace",
        403,
        "security:authorization:namespace:access-denied:namespace-mismatch",
        "Access to the requested data could not be authorized.",
        e.AuthorizationDenied,
    ),
    _problem(
        "relationship data",
        403,
        "security:authorization:relationships:invalid-data:element-uninitialized",
        "…",
        e.AuthorizationDenied,
    ),
    _problem("data policy", 403, "security:data-policy:incorrect-usage", "…", e.AuthorizationDenied),
    _problem("unknown id", 404, "not-found", "The specified item could not be found.", e.NotFound, method="GET"),
    _problem("unknown id", 404, "not-found", "Resource to update was not found.", e.NotFound, method="PUT"),
    _problem("unknown path", 404, "not-found", "The specified data could not be found.", e.WrongRoute, systemic=True),
    _problem("method", 405, "method-not-allowed", _CONSTRUCTION, e.Refused),
    _problem("snapshot", 405, "snapshots:method-not-allowed", "…", e.Refused),
    _problem("profile method", 405, "profile:method-usage", "…", e.Refused),
    _problem(
        "unresolved reference",
        409,
        "data-conflict:unresolved-reference",
        "The referenced 'Program' item does not exist.",
        e.UnresolvedReference,
        properties=("Program",),
        says="'Program' item",
    ),
    _problem(
        "dependents",
        409,
        "data-conflict:dependent-item-exists",
        "The requested action cannot be performed because this item is referenced by an existing "
        "'StudentCompetencyObjective' item.",
        e.DependentExists,
        method="DELETE",
        says="'StudentCompetencyObjective' item",
    ),
    _problem(
        "same identity",
        409,
        "data-conflict:non-unique-identity",
        "The identifying value(s) of the item are the same as another item that already exists.",
        e.NaturalKeyConflict,
        errors=[
            "A primary key conflict occurred when attempting to create or update a record in the "
            "'GeneralStudentProgramAssociation' table. The duplicate key is (BeginDate, StudentUSI) = "
            "(2026-08-20, {id})."
        ],
    ),
    _problem("same values", 409, "data-conflict:non-unique-values", "…", e.NaturalKeyConflict),
    _problem("two writers", 409, "data-conflict:multi-user-conflict", "…", e.ConcurrentUpdate),
    _problem(
        "If-Match",
        412,
        "optimistic-lock-failed",
        "The item has been modified by another user.",
        e.PreconditionFailed,
        method="PUT",
    ),
    _problem("content type", 415, "unsupported-media-type", "…", e.Refused),
    _problem("unhandled", 500, "system", "An unexpected problem has occurred.", e.ServerFault),
    _problem("database", 500, "system:database-connection", "…", e.Unavailable, systemic=True),
    _problem("cache", 500, "system:distributed-cache-error", "…", e.ServerFault),
    _problem("feature off", 404, "system:configuration:feature-disabled", "…", e.Misconfigured, systemic=True),
    _problem("configuration", 500, "system:configuration:invalid:api-model", "…", e.Misconfigured, systemic=True),
)

DMS = (
    _problem(
        "unresolved references, all at once",
        409,
        "data-conflict:unresolved-reference",
        "One or more references could not be resolved. See 'validationErrors' for details.",
        e.UnresolvedReference,
        dialects=_DMS,
        invalid={
            "$.programReference": "The referenced Program item does not exist.",
            "$.studentReference": "The referenced Student item does not exist.",
        },
        properties=("$.programReference", "$.studentReference"),
        says="The referenced Student item does not exist.",
    ),
    _problem(
        "limit",
        400,
        "bad-request:parameter-validation-failed",
        "Parameters supplied to the request were invalid.",
        e.LimitRefused,
        dialects=_DMS,
        errors=["Limit must be omitted or set to a numeric value between 0 and 500."],
        method="GET",
    ),
    _problem(
        "not enrolled",
        403,
        "security:authorization:",
        "Access to the resource could not be authorized.",
        e.NotYetEnrolled,
        dialects=_DMS,
        errors=[
            "No relationships have been established between the caller's education organization id claims ('39141') "
            "and the resource item's StudentUniqueId value."
        ],
    ),
    _problem(
        "another education organization",
        403,
        "security:authorization:",
        "Access to the resource could not be authorized.",
        e.AuthorizationDenied,
        dialects=_DMS,
        errors=[
            "No relationships have been established between the caller's education organization id claims ('39141') "
            "and the resource item's EducationOrganizationId value."
        ],
    ),
    _problem("same identity", 409, "identity-conflict", "…", e.NaturalKeyConflict, dialects=_DMS),
    _problem(
        "dependents",
        409,
        "data-conflict:dependent-item-exists",
        "The requested action cannot be performed because this item is referenced by existing A, B item(s).",
        e.DependentExists,
        dialects=_DMS,
        method="DELETE",
    ),
    _problem(
        "key change",
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
        "Identifying values for the X resource cannot be changed. Delete and recreate the resource item instead.",
        e.KeyChangeRefused,
        dialects=_DMS,
        method="PUT",
    ),
    _problem(
        "If-Match",
        412,
        "optimistic-lock-failed",
        "The item has been modified by another user.",
        e.PreconditionFailed,
        dialects=_DMS,
        errors=["The resource item's etag value does not match what was specified in the 'If-Match' request header."],
        method="PUT",
    ),
    _problem("throttled", 429, "too-many-requests", "…", e.RateLimited, dialects=_DMS, systemic=True),
    _problem("busy", 503, "service-unavailable", "…", e.Unavailable, dialects=_DMS, systemic=True),
    _problem(
        "service settings", 503, "service-configuration-error", "…", e.Misconfigured, dialects=_DMS, systemic=True
    ),
    _problem("no database", 503, "database-not-provisioned", "…", e.Misconfigured, dialects=_DMS, systemic=True),
    _problem("route", 404, "route-resolution-error", "…", e.WrongRoute, dialects=_DMS, systemic=True),
    _problem("unauthorized", 401, "unauthorized", "…", e.AuthenticationFailed, dialects=_DMS, systemic=True),
    Refusal("unknown id", _DMS, 404, b"", e.NotFound, method="GET"),
    _problem("gateway", 502, "bad-gateway", "…", e.Unavailable, dialects=_DMS, systemic=True),
)

GATEWAY = tuple(
    Refusal(f"gateway {status}", (*_TEXT, *_PROBLEM, *_DMS), status, body, error, systemic=True, says=says)
    for status, body, error, says in (
        (404, b"<html>Not Found</html>", e.WrongRoute, "an HTML page"),
        (502, b"<html><body>Bad Gateway 604822</body></html>", e.Unavailable, "an HTML page"),
        (503, b"", e.Unavailable, "an empty body"),
        (504, b"upstream timed out for 604822", e.Unavailable, "a text"),
        (429, b"<!DOCTYPE html><html></html>", e.RateLimited, "an HTML page"),
    )
)

REFUSALS = (*UP_TO_7_1, *FROM_7_2, *DMS, *GATEWAY)
