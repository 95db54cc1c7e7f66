"""The Data Management Service, and what gateways answer for any of them."""

from __future__ import annotations

from edfi_cte.ods import errors as e
from tests.ods.refusals.rows import DMS_ONLY, PROBLEM, TEXT, VALIDATION_FAILED, Refusal, problem

DMS = (
    problem(
        "unresolved references, all at once",
        409,
        "data-conflict:unresolved-reference",
        "One or more references could not be resolved. See 'validationErrors' for details.",
        e.UnresolvedReference,
        dialects=DMS_ONLY,
        invalid={
            "$.programReference": "The referenced Program item does not exist.",
            "$.studentReference": "The referenced Student item does not exist.",
        },
        properties=("$.programReference", "$.studentReference"),
        says="The referenced Student item does not exist.",
    ),
    problem(
        "limit",
        400,
        "bad-request:parameter-validation-failed",
        "Parameters supplied to the request were invalid.",
        e.LimitRefused,
        dialects=DMS_ONLY,
        errors=["Limit must be omitted or set to a numeric value between 0 and 500."],
        method="GET",
    ),
    problem(
        "not enrolled",
        403,
        "security:authorization:",
        "Access to the resource could not be authorized.",
        e.NotYetEnrolled,
        dialects=DMS_ONLY,
        errors=[
            "No relationships have been established between the caller's education organization id claims ('39141') "
            "and the resource item's StudentUniqueId value."
        ],
    ),
    problem(
        "another education organization",
        403,
        "security:authorization:",
        "Access to the resource could not be authorized.",
        e.OrganizationDenied,
        dialects=DMS_ONLY,
        errors=[
            "No relationships have been established between the caller's education organization id claims ('39141') "
            "and the resource item's EducationOrganizationId value."
        ],
    ),
    problem(
        "no such student",
        403,
        "security:authorization:relationships:access-denied:element-required",
        "Access to the requested data could not be authorized. The 'StudentUniqueId' value is required for "
        "authorization purposes. Hint: You may need to create a corresponding 'StudentSchoolAssociation' item.",
        e.StudentUnknown,
        dialects=DMS_ONLY,
        says="'StudentSchoolAssociation' item",
    ),
    problem(
        "no such education organization",
        403,
        "security:authorization:relationships:access-denied:element-required",
        "Access to the requested data could not be authorized. The 'EducationOrganizationId' value is required for "
        "authorization purposes.",
        e.OrganizationUnknown,
        dialects=DMS_ONLY,
    ),
    problem(
        "neither student nor organization",
        403,
        "security:authorization:relationships:access-denied:element-required",
        "Access to the requested data could not be authorized. The values of one or more of the following properties "
        "are required for authorization purposes: 'EducationOrganizationId', 'StudentUniqueId'. Hint: You may need "
        "to create a corresponding 'StudentSchoolAssociation' item.",
        e.UnresolvedReference,
        dialects=DMS_ONLY,
    ),
    problem(
        "enrollment of no such student",
        409,
        "data-conflict:unresolved-reference",
        "One or more references could not be resolved. See 'validationErrors' for details.",
        e.StudentUnknown,
        dialects=DMS_ONLY,
        invalid={"$.studentReference": "The referenced Student item does not exist."},
        properties=("$.studentReference",),
    ),
    problem(
        "no organizations on the key",
        403,
        "security:authorization",
        "Access to the requested data could not be authorized.",
        e.RightsMissing,
        dialects=DMS_ONLY,
        errors=[
            "No relationships have been established between the caller's education organization id claims (none) and "
            "the resource item's 'LocalEducationAgencyId' value."
        ],
        systemic=True,
    ),
    problem(
        "unknown descriptor, with an unresolved reference",
        400,
        "bad-request",
        VALIDATION_FAILED,
        e.UnknownDescriptor,
        dialects=DMS_ONLY,
        invalid={
            "$.programReference": "The referenced Program item does not exist.",
            "$.reasonExitedDescriptor": "ReasonExitedDescriptor value 'uri://ed-fi.org/x#fake' does not exist.",
        },
        properties=("$.programReference", "$.reasonExitedDescriptor"),
        says="'uri://ed-fi.org/x#fake'",
    ),
    problem(
        "query field",
        400,
        "bad-request",
        "The request could not be processed. See 'errors' for details.",
        e.ValidationFailed,
        dialects=DMS_ONLY,
        errors=["The query field 'schoolYear' is not valid for this resource."],
        method="GET",
    ),
    problem("same identity", 409, "identity-conflict", "…", e.NaturalKeyConflict, dialects=DMS_ONLY),
    problem(
        "dependents",
        409,
        "data-conflict:dependent-item-exists",
        "The requested action cannot be performed because this item is referenced by existing A, B item(s).",
        e.DependentExists,
        dialects=DMS_ONLY,
        method="DELETE",
    ),
    problem(
        "key change",
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
        "Identifying values for the X resource cannot be changed. Delete and recreate the resource item instead.",
        e.KeyChangeRefused,
        dialects=DMS_ONLY,
        method="PUT",
    ),
    problem(
        "If-Match",
        412,
        "optimistic-lock-failed",
        "The item has been modified by another user.",
        e.PreconditionFailed,
        dialects=DMS_ONLY,
        errors=["The resource item's etag value does not match what was specified in the 'If-Match' request header."],
        method="PUT",
    ),
    problem("throttled", 429, "too-many-requests", "…", e.RateLimited, dialects=DMS_ONLY, systemic=True),
    problem("busy", 503, "service-unavailable", "…", e.Unavailable, dialects=DMS_ONLY, systemic=True),
    problem(
        "service settings", 503, "service-configuration-error", "…", e.Misconfigured, dialects=DMS_ONLY, systemic=True
    ),
    problem("no database", 503, "database-not-provisioned", "…", e.Misconfigured, dialects=DMS_ONLY, systemic=True),
    problem("route", 404, "route-resolution-error", "…", e.WrongRoute, dialects=DMS_ONLY, systemic=True),
    problem("unauthorized", 401, "unauthorized", "…", e.AuthenticationFailed, dialects=DMS_ONLY, systemic=True),
    Refusal("unknown id", DMS_ONLY, 404, b"", e.NotFound, method="GET"),
    problem("gateway", 502, "bad-gateway", "…", e.Unavailable, dialects=DMS_ONLY, systemic=True),
)

GATEWAY = tuple(
    Refusal(f"gateway {status}", (*TEXT, *PROBLEM, *DMS_ONLY), status, body, error, systemic=True, says=says)
    for status, body, error, says in (
        (404, b"<html>Not Found</html>", e.WrongRoute, "an HTML page"),
        (502, b"<html><body>Bad Gateway 604822</body></html>", e.Unavailable, "an HTML page"),
        (503, b"", e.Unavailable, "an empty body"),
        (504, b"upstream timed out for 604822", e.Unavailable, "a text"),
        (429, b"<!DOCTYPE html><html></html>", e.RateLimited, "an HTML page"),
    )
)
