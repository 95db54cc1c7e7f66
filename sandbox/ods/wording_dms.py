"""The words of the Data Management Service: problem details in its own dialect.

Sources: its `FailureResponse`, `RelationshipAuthorizationProblemDetails` and feature files.
"""

from __future__ import annotations

from sandbox.ods.failures import Kind
from sandbox.ods.wording import Phrases, Template, Wording
from sandbox.ods.wording_problems import (
    BAD_REQUEST,
    CONFLICT,
    DATA,
    DENIED,
    PARAMETERS,
    SEE_ERRORS,
    SEE_VALIDATION,
    SUPPLIED,
    TEMPLATES_7_3,
    denied,
    not_found,
)

_TEMPLATES: dict[Kind, Template] = {
    **TEMPLATES_7_3,
    Kind.TOKEN_CLIENT: Template(
        401, "Invalid client or Invalid client credentials", "urn:ed-fi:api:unauthorized", "invalid_client"
    ),
    Kind.TOKEN_REQUEST: Template(400, SEE_ERRORS, BAD_REQUEST, "Bad Request", ("{message}",)),
    Kind.PARAMETER: Template(400, SUPPLIED, PARAMETERS, "Parameter Validation Failed", ("{message}",)),
    Kind.QUERY_FIELD: Template(400, SEE_ERRORS, BAD_REQUEST, "Bad Request", ("{message}",)),
    Kind.ID_MISMATCH: Template(
        400, SEE_ERRORS, BAD_REQUEST, "Bad Request", ("Request body id must match the id in the url.",)
    ),
    Kind.UNRESOLVED_REFERENCE: Template(
        409,
        "One or more references could not be resolved. See 'validationErrors' for details.",
        f"{CONFLICT}:unresolved-reference",
        "Unresolved Reference",
        shows_problems=True,
    ),
    Kind.NOT_UNIQUE: Template(
        409,
        "The identifying value(s) of the item are the same as another item that already exists.",
        "urn:ed-fi:api:identity-conflict",
        "Identifying Values Are Not Unique",
        (
            "A natural key conflict occurred when attempting to create a new resource {entity} with a duplicate key. "
            "The duplicate keys and values are {key_values}",
        ),
    ),
    Kind.DEPENDENT: Template(
        409,
        "The requested action cannot be performed because this item is referenced by existing {entity} item(s).",
        f"{CONFLICT}:dependent-item-exists",
        "Dependent Item Exists",
    ),
    Kind.ELEMENT_REQUIRED: denied(
        ":relationships:access-denied:element-required",
        detail=DENIED + " The {values} for authorization purposes{names}.{hint}",
    ),
    Kind.UNKNOWN_DESCRIPTORS: Template(400, SEE_VALIDATION, BAD_REQUEST, "Bad Request", shows_problems=True),
    Kind.KEY_CHANGE: Template(
        400,
        "Identifying values for the {entity} resource cannot be changed. Delete and recreate the resource item "
        "instead.",
        f"{DATA}:key-change-not-supported",
        "Key Change Not Supported",
    ),
    Kind.NOT_FOUND_UPDATE: not_found("Resource to update was not found"),
    Kind.NOT_FOUND_DELETE: not_found("Resource to delete was not found"),
    Kind.PRECONDITION: Template(
        412,
        "The item has been modified by another user.",
        "urn:ed-fi:api:optimistic-lock-failed",
        "Optimistic Lock Failed",
        (
            "The resource item's etag value does not match what was specified in the 'If-Match' request header "
            "indicating that it has been modified by another client since it was last retrieved.",
        ),
    ),
    Kind.PRECONDITION_MISSING: Template(
        412,
        "The If-Match precondition failed because the resource does not exist.",
        "urn:ed-fi:api:optimistic-lock-failed",
        "Optimistic Lock Failed",
        (
            "The 'If-Match' request header requires a current representation of the resource, but none exists. Do "
            "not retry with If-Match; create the resource first, or omit If-Match.",
        ),
    ),
    Kind.PRECONDITION_EXISTS: Template(
        412,
        "The If-None-Match precondition failed because a current representation of the resource matched the request "
        "header.",
        "urn:ed-fi:api:precondition-failed:if-none-match",
        "If-None-Match Precondition Failed",
        (
            "The 'If-None-Match' request header requires that no current representation match the supplied value, "
            "but a matching representation exists.",
        ),
    ),
    Kind.TOO_MANY_REQUESTS: Template(
        429,
        "The number of allowed requests has been exceeded. Retry the request later.",
        "urn:ed-fi:api:too-many-requests",
        "Too Many Requests",
    ),
    Kind.BAD_GATEWAY: Template(
        502, "The identity provider could not be reached.", "urn:ed-fi:api:bad-gateway", "Bad Gateway"
    ),
    Kind.UNAVAILABLE: Template(
        503,
        "The service is temporarily unable to handle the request. Retry the request later.",
        "urn:ed-fi:api:service-unavailable",
        "Service Unavailable",
    ),
}

_PHRASES_DMS = Phrases(
    pascal=False,
    dangerous="",
    conflicting="All values supplied for '{name}' must match. Review all references (including those higher up in "
    "the resource's data) and align the following conflicting values: {values}",
    wrong_type='{name} Value is "{found}" but should be "{expected}"',
    wrong_integer='{name} Value is "{found}" but should be "integer"',
    wrong_date="The value '{value}' is not valid for {name}.",
)

PROBLEMS_DMS = Wording("dms", _PHRASES_DMS, _TEMPLATES)
