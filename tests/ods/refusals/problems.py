"""ODS/API 7.2 and later."""

from __future__ import annotations

from edfi_cte.ods import errors as e
from edfi_cte.ods.errors import Meaning
from tests.ods.refusals.rows import (
    CONSTRUCTION,
    VALIDATION_FAILED,
    problem,
)

FROM_7_2 = (
    problem(
        "empty body",
        400,
        "bad-request",
        "The request could not be processed. See 'errors' for details.",
        e.ValidationFailed,
        errors=["A non-empty request body is required."],
        says="A non-empty request body is required.",
    ),
    problem(
        "invalid data",
        400,
        "bad-request:data-validation-failed",
        VALIDATION_FAILED,
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
    problem(
        "unknown descriptor",
        400,
        "bad-request:data-validation-failed",
        VALIDATION_FAILED,
        e.UnknownDescriptor,
        invalid={
            "$.programReference.programTypeDescriptor": "ProgramTypeDescriptor value "
            "'uri://ed-fi.org/ProgramTypeDescriptor#None Such' does not exist."
        },
        properties=("$.programReference.programTypeDescriptor",),
        says="'uri://ed-fi.org/ProgramTypeDescriptor#None Such'",
    ),
    problem(
        "id in a POST",
        400,
        "bad-request:data-validation-failed",
        "The request data was constructed incorrectly.",
        e.ValidationFailed,
        errors=["Resource identifiers cannot be assigned by the client."],
    ),
    problem(
        "key change",
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
        "Identifying values for the StudentCTEProgramAssociation data cannot be changed.",
        e.KeyChangeRefused,
        method="PUT",
    ),
    problem(
        "limit",
        400,
        "bad-request:parameter-validation-failed",
        CONSTRUCTION,
        e.LimitRefused,
        errors=["Limit must be a value between 0 and 500."],
        method="GET",
    ),
    problem(
        "another parameter",
        400,
        "bad-request:parameter-validation-failed",
        CONSTRUCTION,
        e.BadParameter,
        errors=["PageToken is required when pageSize is specified."],
        properties=("PageToken",),
        method="GET",
    ),
    problem("policy", 400, "bad-request:data-policy-enforced", "A policy.", e.ProfileRefused, systemic=True),
    problem("profile", 400, "profile:invalid-profile-usage", "A profile.", e.ProfileRefused, systemic=True),
    problem(
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
        meanings=(Meaning.NOT_ENROLLED, Meaning.UNKNOWN),
    ),
    problem(
        "not enrolled, or elsewhere",
        403,
        "security:authorization",
        "Access to the requested data could not be authorized. Hint: You may need to create a corresponding "
        "'StudentSchoolAssociation' item.",
        e.NotYetEnrolled,
        errors=[
            "No relationships have been established between the caller's education organization id claim (39141) and "
            "one or more of the following properties of the resource item: 'EducationOrganizationId', "
            "'StudentUniqueId'."
        ],
        meanings=(Meaning.NOT_ENROLLED, Meaning.UNKNOWN, Meaning.OUT_OF_REACH),
    ),
    problem(
        "no organizations on the key",
        403,
        "security:authorization",
        "Access to the requested data could not be authorized.",
        e.RightsMissing,
        errors=[
            "No relationships have been established between the caller's education organization id claims (none) and "
            "the resource item's 'StudentUniqueId' value."
        ],
        systemic=True,
    ),
    problem(
        "no organization in the document",
        403,
        "security:authorization:relationships:access-denied:element-required",
        "Access to the requested data could not be authorized. The 'EducationOrganizationId' value is required for "
        "authorization purposes.",
        e.OrganizationUnknown,
    ),
    problem(
        "staff not employed",
        403,
        "security:authorization",
        "Access to the requested data could not be authorized.",
        e.AuthorizationDenied,
        errors=[
            "No relationships have been established between the caller's education organization id claims (39141) "
            "and the resource item's 'StaffUniqueId' value."
        ],
    ),
    problem(
        "enrollment of no such student",
        409,
        "data-conflict:unresolved-reference",
        "The referenced 'Student' item does not exist.",
        e.StudentUnknown,
        properties=("Student",),
    ),
    problem(
        "another education organization",
        403,
        "security:authorization",
        "Access to the requested data could not be authorized.",
        e.OrganizationDenied,
        errors=["No relationships … and the resource item's 'EducationOrganizationId' value."],
        meanings=(Meaning.OUT_OF_REACH, Meaning.UNKNOWN),
    ),
    problem(
        "no claim",
        403,
        "security:authorization:access-denied:resource",
        "Access to the requested data could not be authorized.",
        e.RightsMissing,
        systemic=True,
    ),
    problem(
        "claim without the action",
        403,
        "security:authorization:access-denied:action",
        "Access to the requested data could not be authorized.",
        e.RightsMissing,
        systemic=True,
    ),
    problem(
        "namespace",
        403,
        "security:authorization:namespace:access-denied:namespace-mismatch",
        "Access to the requested data could not be authorized.",
        e.AuthorizationDenied,
    ),
    problem(
        "relationship data",
        403,
        "security:authorization:relationships:invalid-data:element-uninitialized",
        "…",
        e.AuthorizationDenied,
    ),
    problem("data policy", 403, "security:data-policy:incorrect-usage", "…", e.ProfileRefused, systemic=True),
    problem("unknown id", 404, "not-found", "The specified item could not be found.", e.NotFound, method="GET"),
    problem("unknown id", 404, "not-found", "Resource to update was not found.", e.NotFound, method="PUT"),
    problem("unknown path", 404, "not-found", "The specified data could not be found.", e.WrongRoute, systemic=True),
    problem("method", 405, "method-not-allowed", CONSTRUCTION, e.Refused),
    problem("snapshot", 405, "snapshots:method-not-allowed", "…", e.Refused),
    problem("profile method", 405, "profile:method-usage", "…", e.ProfileRefused, systemic=True),
    problem(
        "unresolved reference",
        409,
        "data-conflict:unresolved-reference",
        "The referenced 'Program' item does not exist.",
        e.UnresolvedReference,
        properties=("Program",),
        says="'Program' item",
    ),
    problem(
        "dependents",
        409,
        "data-conflict:dependent-item-exists",
        "The requested action cannot be performed because this item is referenced by an existing "
        "'StudentCompetencyObjective' item.",
        e.DependentExists,
        method="DELETE",
        says="'StudentCompetencyObjective' item",
    ),
    problem(
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
    problem("same values", 409, "data-conflict:non-unique-values", "…", e.NaturalKeyConflict),
    problem("two writers", 409, "data-conflict:multi-user-conflict", "…", e.ConcurrentUpdate),
    problem(
        "If-Match",
        412,
        "optimistic-lock-failed",
        "The item has been modified by another user.",
        e.PreconditionFailed,
        method="PUT",
    ),
    problem("content type", 415, "unsupported-media-type", "…", e.Refused),
    problem("unhandled", 500, "system", "An unexpected problem has occurred.", e.ServerFault),
    problem("database", 500, "system:database-connection", "…", e.Unavailable, systemic=True),
    problem("cache", 500, "system:distributed-cache-error", "…", e.ServerFault),
    problem("feature off", 404, "system:configuration:feature-disabled", "…", e.Misconfigured, systemic=True),
    problem("configuration", 500, "system:configuration:invalid:api-model", "…", e.Misconfigured, systemic=True),
)
