"""How each API generation says no: status, body and messages of every `failures.Kind`.

Sources: ODS/API source and Postman suites at v5.3, v6.2, v7.1, v7.3.2 (`RestErrorProvider` translators up to 7.1,
`EdFi.Ods.Common/Exceptions` from 7.2 on), and the Data Management Service's `FailureResponse` and feature files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sandbox.ods.failures import Failure, Kind
from sandbox.ods.properties import Property

BodyFormat = Literal["message", "message with correlation id", "problem details", "dms"]


@dataclass(frozen=True, slots=True)
class Template:
    """One refusal's status and sentences; `{names}` are filled from the failure's facts.

    `shows_problems`: the paths and messages go into `validationErrors` (or `modelState`). `empty`: no body at all.
    """

    status: int
    detail: str = ""
    type: str = ""
    title: str = ""
    errors: tuple[str, ...] = ()
    shows_problems: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Phrases:
    """The messages about single properties.

    `pascal`: properties are named `BeginDate`, else `beginDate`. `root`: how the path to a property starts.
    """

    pascal: bool
    root: str = "$"
    required: str = "{name} is required."
    empty: str = "{name} is required and should not be left empty."
    zero: str = "{name} value must be different than 0."
    no_items: str = "{name} must have at least one item."
    too_long: str = "{name} must be at most {maximum} characters in length."
    length: str = "{name} must be between {minimum} and {maximum} characters in length."
    number_range: str = "{name} must be between {minimum} and {maximum}."
    spaces: str = "{name} cannot contain leading or trailing spaces."
    dangerous: str = (
        "{name} contains a value that could be dangerous for downstream systems using this data. "
        "Try to avoid the use of special symbols like '<', '>' or '&' without surrounding spaces."
    )
    duplicate: str = (
        "The {ordinal} item of the {name} has the same identifying values as another item earlier in the list."
    )
    unknown_descriptor: str = "{descriptor} value '{uri}' does not exist."
    malformed_descriptor: str = (
        "'{uri}' is not a valid value for use as a descriptor (a '#' is expected to delimit the namespace and code "
        "value)."
    )
    partial_reference: str = "{name} is missing the following properties: {missing}"
    conflicting: str = (
        "All values supplied for '{name}' must match. Review all references and align the following conflicting "
        "values: {values}"
    )
    wrong_type: str = "Could not convert {found} to {expected}: {value}. Path '{path}', line 1, position 1."
    wrong_integer: str = "Error converting value {value} to type '{type}'. Path '{path}', line 1, position 1."
    wrong_date: str = "String '{value}' was not recognized as a valid date."
    invalid_id: str = "The value '{id}' is not valid."

    def name(self, prop: Property) -> str:
        return prop.label if self.pascal else prop.name


@dataclass(frozen=True, eq=False, slots=True)
class Wording:
    """Everything one API generation says."""

    format: BodyFormat
    phrases: Phrases
    templates: Mapping[Kind, Template]

    def body(self, failure: Failure, correlation_id: str) -> tuple[int, dict[str, Any] | None]:
        """The status and the JSON body (None: an empty one) of a refusal."""
        template = self.templates[failure.kind]
        if template.empty:
            return template.status, None
        facts = _facts(failure)
        detail = template.detail.format(**facts)
        problems = failure.facts.get("problems") if template.shows_problems else None
        if self.format in ("message", "message with correlation id"):
            message: dict[str, Any] = {"message": detail}
            if problems:
                message["modelState"] = problems
            if self.format == "message with correlation id":
                message["correlationId"] = correlation_id
            return template.status, message
        told = facts.get("messages")
        errors = list(told) if isinstance(told, tuple) else [error.format(**facts) for error in template.errors]
        document: dict[str, Any] = {
            "detail": detail,
            "type": template.type.format(**facts),
            "title": template.title,
            "status": template.status,
            "correlationId": correlation_id,
        }
        if problems or (self.format == "dms" and failure.kind is not Kind.UNAUTHENTICATED):
            document["validationErrors"] = problems or {}
        if errors or self.format == "dms":
            document["errors"] = errors
        return template.status, document


def _facts(failure: Failure) -> dict[str, object]:
    """The failure's facts, and the sentences that several dialects build from them."""
    facts = dict(failure.facts)
    problems = facts.get("problems")
    if isinstance(problems, dict):
        facts["lines"] = "".join(f"\t{message}\n" for messages in problems.values() for message in messages)
    return facts


# ODS/API up to 7.1: one sentence.

_PHRASES = Phrases(pascal=True)
_PHRASES_5 = Phrases(
    pascal=True,
    root="request",
    empty="{name} is required.",
    zero="{name} is required.",
    too_long="The field {name} must be a string with a maximum length of {maximum}.",
    length="The field {name} must be a string with a minimum length of {minimum} and a maximum length of {maximum}.",
    number_range="The field {name} must be between {minimum} and {maximum}.",
    spaces="{name} property is part of the primary key and therefore its value cannot contain leading or trailing "
    "whitespace.",
    dangerous="{name} contains a potentially dangerous value.",
    duplicate="{name} enumerable contains duplicate at index: {index}",
    unknown_descriptor="Unable to resolve value '{uri}' to an existing '{descriptor}' resource.",
    malformed_descriptor="Unable to resolve value '{uri}' to an existing '{descriptor}' resource.",
    wrong_type="The supplied value is invalid.",
    wrong_integer="The supplied value is invalid.",
    wrong_date="The supplied value is invalid.",
    invalid_id="The value '{id}' is not valid.",
)
_LIMIT_5 = (
    "Limit must be omitted or set to a value between 1 and max value defined in configuration file "
    "(defaultPageSizeLimit)."
)
_MESSAGES_5: dict[Kind, Template] = {
    Kind.UNAUTHENTICATED: Template(401, empty=True),
    Kind.NO_CLAIM: Template(
        403,
        "Access to the resource could not be authorized. Are you missing a claim? This resource can be authorized by "
        "the following claims:\r\n\t{claims}",
    ),
    Kind.NO_ACTION: Template(
        403, "Access to the resource could not be authorized for the requested action '{verb}'."
    ),
    Kind.NO_RELATIONSHIP: Template(
        403,
        "Authorization denied.  The claim does not have any established relationships with the requested resource.",
    ),
    Kind.NO_STUDENT: Template(
        403,
        "Access to the resource item could not be authorized because the 'StudentUSI' of the resource is empty.",
    ),
    Kind.WRONG_NAMESPACE: Template(
        403,
        "Access to the resource item with namespace '{namespace}' could not be authorized based on the caller's "
        "NamespacePrefix claims: {prefixes}.",
    ),
    Kind.TOKEN_INFO: Template(400, "Invalid token"),
    Kind.TOKEN_INFO_UNKNOWN: Template(404, empty=True),
    Kind.TOKEN_INFO_FOREIGN: Template(401, empty=True),
    Kind.UNKNOWN_ROUTE: Template(404, empty=True),
    Kind.METHOD: Template(405, empty=True),
    Kind.MEDIA_TYPE: Template(415, empty=True),
    Kind.EMPTY_BODY: Template(400, "A non-empty request body is required."),
    Kind.MALFORMED_BODY: Template(400, "The request is invalid.", shows_problems=True),
    Kind.PARAMETER: Template(400, "{message}"),
    Kind.CHANGE_PARAMETER: Template(400, "{message}"),
    Kind.ID_IN_BODY: Template(400, "Resource identifiers cannot be assigned by the client."),
    Kind.MALFORMED_ID: Template(400, "The request is invalid.", shows_problems=True),
    Kind.BINDING: Template(400, "The request is invalid.", shows_problems=True),
    Kind.INVALID: Template(400, "Validation of '{entity}' failed.\n{lines}"),
    Kind.UNKNOWN_DESCRIPTOR: Template(400, "Unable to resolve value '{uri}' to an existing '{descriptor}' resource."),
    Kind.SNAPSHOT_MISSING: Template(410, "Snapshot not available."),
    Kind.SNAPSHOT_WRITE: Template(405, empty=True),
    Kind.UNRESOLVED_REFERENCE: Template(
        409, "The value supplied for the related '{resource}' resource does not exist."
    ),
    Kind.NOT_UNIQUE: Template(
        409,
        "A natural key conflict occurred when attempting to create a new resource '{entity}' with a duplicate key. "
        "The duplicated columns and values are [{names}] ({values})",
    ),
    Kind.DEPENDENT: Template(
        409,
        "The resource (or a subordinate entity of the resource) cannot be deleted because it is a dependency of the "
        "'{entity}' entity.",
    ),
    Kind.NOT_FOUND: Template(404, "Entity of type '{entity}' with the specified id was not found."),
    Kind.NOT_FOUND_UPDATE: Template(404, "Resource to update was not found."),
    Kind.NOT_FOUND_DELETE: Template(404, "Resource to delete was not found."),
    Kind.PRECONDITION: Template(412, "Resource was modified by another consumer."),
    Kind.SYSTEM: Template(500, "An unexpected error occurred on the server."),
    Kind.TOO_MANY_REQUESTS: Template(429, empty=True),
    Kind.BAD_GATEWAY: Template(502, empty=True),
    Kind.UNAVAILABLE: Template(503, empty=True),
}
_MESSAGES_6: dict[Kind, Template] = {
    **_MESSAGES_5,
    Kind.NO_RELATIONSHIP: Template(
        403,
        "Authorization denied. No relationships have been established between the caller's education organization id "
        "{claims} and {subject}.",
    ),
    Kind.NO_STUDENT: Template(
        409, "Access to the resource item could not be authorized because the 'Student' was not found."
    ),
}
_MESSAGES_7: dict[Kind, Template] = {
    **_MESSAGES_6,
    Kind.KEY_CHANGE: Template(
        400, "Key values for this resource cannot be changed. Delete and recreate the resource item."
    ),
    Kind.SNAPSHOT_MISSING: Template(404, "Snapshot not found."),
    Kind.SNAPSHOT_WRITE: Template(405, "Snapshots are read-only."),
}

# ODS/API 7.2 and later: problem details.

_BAD_REQUEST = "urn:ed-fi:api:bad-request"
_DATA = f"{_BAD_REQUEST}:data-validation-failed"
_PARAMETERS = f"{_BAD_REQUEST}:parameter-validation-failed"
_CONFLICT = "urn:ed-fi:api:data-conflict"
_AUTHENTICATION = "urn:ed-fi:api:security:authentication"
_AUTHORIZATION = "urn:ed-fi:api:security:authorization"
_NOT_FOUND = "urn:ed-fi:api:not-found"
_METHOD = "urn:ed-fi:api:method-not-allowed"
_SEE_ERRORS = "The request could not be processed. See 'errors' for details."
_SEE_VALIDATION = "Data validation failed. See 'validationErrors' for details."
_CONSTRUCTION = "The request construction was invalid."
_SUPPLIED = "Parameters supplied to the request were invalid."
_DENIED = "Access to the requested data could not be authorized."


def _invalid(detail: str = _SEE_VALIDATION, *, shows_problems: bool = True, errors: tuple[str, ...] = ()) -> Template:
    return Template(400, detail, _DATA, "Data Validation Failed", errors, shows_problems)


def _denied(subtype: str, *errors: str, detail: str = _DENIED) -> Template:
    return Template(403, detail, _AUTHORIZATION + subtype, "Authorization Denied", errors)


def _not_found(detail: str) -> Template:
    return Template(404, detail, _NOT_FOUND, "Not Found")


_CLAIM_ERROR = (
    "The API client's assigned claim set (currently '{claim_set}') must grant permission of the "
    "'http://ed-fi.org/ods/actions/{action}' action on one of the following resource claims: {claims}"
)
_BAD_TOKEN = Template(400, _SEE_ERRORS, _BAD_REQUEST, "Bad Request", ("An invalid token was provided",))
_PROBLEMS_7_3: dict[Kind, Template] = {
    Kind.UNAUTHENTICATED: Template(
        401, "The caller could not be authenticated.", _AUTHENTICATION, "Authentication Failed", ("{reason}",)
    ),
    Kind.NO_CLAIM: _denied(":access-denied:resource", _CLAIM_ERROR),
    Kind.NO_ACTION: _denied(":access-denied:action", _CLAIM_ERROR),
    Kind.NO_RELATIONSHIP: _denied(
        "",
        "No relationships have been established between the caller's education organization id {claims} and "
        "{subject}.",
        detail=_DENIED + "{hint}",
    ),
    Kind.WRONG_NAMESPACE: _denied(
        ":namespace:access-denied:namespace-mismatch",
        "The 'Namespace' value of the resource does not start with any of the caller's associated namespace prefixes "
        "({prefixes}).",
    ),
    Kind.TOO_MANY_TOKENS: Template(
        429,
        "The caller has authenticated too many times in too short of a time period.",
        f"{_AUTHENTICATION}:too-many-tokens",
        "Too Many Tokens",
        (
            "Too many access tokens have been requested (limit is {limit}). Access tokens should be reused until "
            "they expire.",
        ),
    ),
    Kind.TOKEN_INFO: _BAD_TOKEN,
    Kind.TOKEN_INFO_UNKNOWN: _BAD_TOKEN,
    Kind.TOKEN_INFO_FOREIGN: _BAD_TOKEN,
    Kind.UNKNOWN_ROUTE: _not_found("The specified data could not be found."),
    Kind.METHOD: Template(405, _CONSTRUCTION, _METHOD, "Method Not Allowed", ("{message}",)),
    Kind.MEDIA_TYPE: Template(
        415, _CONSTRUCTION, "urn:ed-fi:api:unsupported-media-type", "Unsupported Media Type", ("{message}",)
    ),
    Kind.EMPTY_BODY: Template(
        400, _SEE_ERRORS, _BAD_REQUEST, "Bad Request", ("A non-empty request body is required.",)
    ),
    Kind.MALFORMED_BODY: _invalid(),
    Kind.PARAMETER: Template(400, _CONSTRUCTION, _PARAMETERS, "Parameter Validation Failed", ("{message}",)),
    Kind.CHANGE_PARAMETER: Template(400, _SUPPLIED, _PARAMETERS, "Parameter Validation Failed", ("{message}",)),
    Kind.ID_IN_BODY: _invalid(
        "The request data was constructed incorrectly.",
        shows_problems=False,
        errors=(
            "Resource identifiers cannot be assigned by the client. The 'id' property should not be included in the "
            "request body.",
        ),
    ),
    Kind.MALFORMED_ID: _invalid(),
    Kind.BINDING: _invalid(),
    Kind.INVALID: _invalid(),
    Kind.SNAPSHOT_MISSING: Template(404, "Snapshot not found.", _NOT_FOUND, "Not Found"),
    Kind.SNAPSHOT_WRITE: Template(
        405,
        "The request cannot be processed because snapshots are read-only.",
        "urn:ed-fi:api:snapshots:method-not-allowed",
        "Method Not Allowed with Snapshots",
    ),
    Kind.UNRESOLVED_REFERENCE: Template(
        409,
        "The referenced '{entity}' item does not exist.",
        f"{_CONFLICT}:unresolved-reference",
        "Unresolved Reference",
    ),
    Kind.KEY_CHANGE: Template(
        400,
        "Identifying values for the {entity} data cannot be changed. Delete and recreate the item instead.",
        f"{_DATA}:key-change-not-supported",
        "Key Change Not Supported",
    ),
    Kind.NOT_UNIQUE: Template(
        409,
        "The identifying value(s) of the item are the same as another item that already exists.",
        f"{_CONFLICT}:non-unique-identity",
        "Identifying Values Are Not Unique",
        (
            "A primary key conflict occurred when attempting to create or update a record in the '{table}' table. "
            "The duplicate key is ({names}) = ({values}).",
        ),
    ),
    Kind.DEPENDENT: Template(
        409,
        "The requested action cannot be performed because this item is referenced by an existing '{entity}' item.",
        f"{_CONFLICT}:dependent-item-exists",
        "Dependent Item Exists",
    ),
    Kind.NOT_FOUND: _not_found("The specified item could not be found."),
    Kind.NOT_FOUND_UPDATE: _not_found("Resource to update was not found."),
    Kind.NOT_FOUND_DELETE: _not_found("Resource to delete was not found."),
    Kind.PRECONDITION: Template(
        412,
        "The item has been modified by another user.",
        "urn:ed-fi:api:optimistic-lock-failed",
        "Optimistic Lock Failed",
    ),
    Kind.SYSTEM: Template(500, "An unexpected problem has occurred.", "urn:ed-fi:api:system", "System Error"),
    Kind.TOO_MANY_REQUESTS: Template(429, empty=True),
    Kind.BAD_GATEWAY: Template(502, empty=True),
    Kind.UNAVAILABLE: Template(503, empty=True),
}

# The Data Management Service: problem details in its own dialect.

_PROBLEMS_DMS: dict[Kind, Template] = {
    **_PROBLEMS_7_3,
    Kind.TOKEN_CLIENT: Template(
        401, "Invalid client or Invalid client credentials", "urn:ed-fi:api:unauthorized", "invalid_client"
    ),
    Kind.TOKEN_REQUEST: Template(400, _SEE_ERRORS, _BAD_REQUEST, "Bad Request", ("{message}",)),
    Kind.PARAMETER: Template(400, _SUPPLIED, _PARAMETERS, "Parameter Validation Failed", ("{message}",)),
    Kind.QUERY_FIELD: Template(400, _SEE_ERRORS, _BAD_REQUEST, "Bad Request", ("{message}",)),
    Kind.ID_MISMATCH: Template(
        400, _SEE_ERRORS, _BAD_REQUEST, "Bad Request", ("Request body id must match the id in the url.",)
    ),
    Kind.UNRESOLVED_REFERENCE: Template(
        409,
        "One or more references could not be resolved. See 'validationErrors' for details.",
        f"{_CONFLICT}:unresolved-reference",
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
            "The duplicate keys and their values are {key_values}",
        ),
    ),
    Kind.DEPENDENT: Template(
        409,
        "The requested action cannot be performed because this item is referenced by existing {entity} item(s).",
        f"{_CONFLICT}:dependent-item-exists",
        "Dependent Item Exists",
    ),
    Kind.KEY_CHANGE: Template(
        400,
        "Identifying values for the {entity} resource cannot be changed. Delete and recreate the resource item "
        "instead.",
        f"{_DATA}:key-change-not-supported",
        "Key Change Not Supported",
    ),
    Kind.NOT_FOUND_UPDATE: _not_found("Resource to update was not found"),
    Kind.NOT_FOUND_DELETE: _not_found("Resource to delete was not found"),
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

_PHRASES_6 = replace(
    _PHRASES_5,
    wrong_type=_PHRASES.wrong_type,
    wrong_integer=_PHRASES.wrong_integer,
    wrong_date=_PHRASES.wrong_date,
)
_PHRASES_7 = replace(_PHRASES_6, duplicate="The {ordinal} item of the {name} collection is a duplicate.")
_PHRASES_DMS = Phrases(
    pascal=False,
    wrong_type='{name} Value is "{found}" but should be "{expected}"',
    wrong_integer='{name} Value is "{found}" but should be "integer"',
    wrong_date="The value '{value}' is not valid for {name}.",
)

MESSAGES_5_3 = Wording("message", _PHRASES_5, _MESSAGES_5)
MESSAGES_6_2 = Wording("message", _PHRASES_6, _MESSAGES_6)
MESSAGES_7_1 = Wording("message with correlation id", _PHRASES_7, _MESSAGES_7)
PROBLEMS_7_3 = Wording("problem details", _PHRASES, _PROBLEMS_7_3)
PROBLEMS_DMS = Wording("dms", _PHRASES_DMS, _PROBLEMS_DMS)
