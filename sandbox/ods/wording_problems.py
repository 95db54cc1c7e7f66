"""The words of ODS/API 7.2 and later: problem details.

Sources: `EdFi.Ods.Common/Exceptions` and the Postman suites at v7.3.2, and Ed-Fi's Error Response Knowledge Base.
"""

from __future__ import annotations

from sandbox.ods.failures import Kind
from sandbox.ods.wording import Phrases, Template, Wording

BAD_REQUEST = "urn:ed-fi:api:bad-request"
DATA = f"{BAD_REQUEST}:data-validation-failed"
PARAMETERS = f"{BAD_REQUEST}:parameter-validation-failed"
CONFLICT = "urn:ed-fi:api:data-conflict"
AUTHENTICATION = "urn:ed-fi:api:security:authentication"
AUTHORIZATION = "urn:ed-fi:api:security:authorization"
NOT_FOUND = "urn:ed-fi:api:not-found"
METHOD = "urn:ed-fi:api:method-not-allowed"
SEE_ERRORS = "The request could not be processed. See 'errors' for details."
SEE_VALIDATION = "Data validation failed. See 'validationErrors' for details."
CONSTRUCTION = "The request construction was invalid."
SUPPLIED = "Parameters supplied to the request were invalid."
DENIED = "Access to the requested data could not be authorized."


def _invalid(detail: str = SEE_VALIDATION, *, shows_problems: bool = True, errors: tuple[str, ...] = ()) -> Template:
    return Template(400, detail, DATA, "Data Validation Failed", errors, shows_problems)


def denied(subtype: str, *errors: str, detail: str = DENIED) -> Template:
    return Template(403, detail, AUTHORIZATION + subtype, "Authorization Denied", errors)


def not_found(detail: str) -> Template:
    return Template(404, detail, NOT_FOUND, "Not Found")


_CLAIM_ERROR = (
    "The API client's assigned claim set (currently '{claim_set}') must grant permission of the "
    "'http://ed-fi.org/ods/actions/{action}' action on one of the following resource claims: {claims}"
)
_BAD_TOKEN = Template(400, SEE_ERRORS, BAD_REQUEST, "Bad Request", ("An invalid token was provided",))
TEMPLATES_7_3: dict[Kind, Template] = {
    Kind.UNAUTHENTICATED: Template(
        401, "The caller could not be authenticated.", AUTHENTICATION, "Authentication Failed", ("{reason}",)
    ),
    Kind.NO_CLAIM: denied(":access-denied:resource", _CLAIM_ERROR),
    Kind.NO_ACTION: denied(":access-denied:action", _CLAIM_ERROR),
    Kind.NO_RELATIONSHIP: denied(
        "",
        "No relationships have been established between the caller's education organization id {claims} and "
        "{subject}.",
        detail=DENIED + "{hint}",
    ),
    Kind.WRONG_NAMESPACE: denied(
        ":namespace:access-denied:namespace-mismatch",
        "The 'Namespace' value of the resource does not start with any of the caller's associated namespace prefixes "
        "({prefixes}).",
    ),
    Kind.TOO_MANY_TOKENS: Template(
        429,
        "The caller has authenticated too many times in too short of a time period.",
        f"{AUTHENTICATION}:too-many-tokens",
        "Too Many Tokens",
        (
            "Too many access tokens have been requested (limit is {limit}). Access tokens should be reused until "
            "they expire.",
        ),
    ),
    Kind.TOKEN_INFO: _BAD_TOKEN,
    Kind.TOKEN_INFO_UNKNOWN: _BAD_TOKEN,
    Kind.TOKEN_INFO_FOREIGN: _BAD_TOKEN,
    Kind.UNKNOWN_ROUTE: not_found("The specified data could not be found."),
    Kind.METHOD: Template(405, CONSTRUCTION, METHOD, "Method Not Allowed", ("{message}",)),
    Kind.MEDIA_TYPE: Template(
        415, CONSTRUCTION, "urn:ed-fi:api:unsupported-media-type", "Unsupported Media Type", ("{message}",)
    ),
    Kind.EMPTY_BODY: Template(
        400, SEE_ERRORS, BAD_REQUEST, "Bad Request", ("A non-empty request body is required.",)
    ),
    Kind.MALFORMED_BODY: _invalid(),
    Kind.PARAMETER: Template(400, CONSTRUCTION, PARAMETERS, "Parameter Validation Failed", ("{message}",)),
    Kind.CHANGE_PARAMETER: Template(400, SUPPLIED, PARAMETERS, "Parameter Validation Failed", ("{message}",)),
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
    Kind.SNAPSHOT_MISSING: Template(404, "Snapshot not found.", NOT_FOUND, "Not Found"),
    Kind.SNAPSHOT_WRITE: Template(
        405,
        "The request cannot be processed because snapshots are read-only.",
        "urn:ed-fi:api:snapshots:method-not-allowed",
        "Method Not Allowed with Snapshots",
    ),
    Kind.UNRESOLVED_REFERENCE: Template(
        409,
        "The referenced '{entity}' item does not exist.",
        f"{CONFLICT}:unresolved-reference",
        "Unresolved Reference",
    ),
    Kind.KEY_CHANGE: Template(
        400,
        "Identifying values for the {entity} data cannot be changed. Delete and recreate the item instead.",
        f"{DATA}:key-change-not-supported",
        "Key Change Not Supported",
    ),
    Kind.NOT_UNIQUE: Template(
        409,
        "The identifying value(s) of the item are the same as another item that already exists.",
        f"{CONFLICT}:non-unique-identity",
        "Identifying Values Are Not Unique",
        (
            "A primary key conflict occurred when attempting to create or update a record in the '{table}' table. "
            "The duplicate key is ({names}) = ({values}).",
        ),
    ),
    Kind.DEPENDENT: Template(
        409,
        "The requested action cannot be performed because this item is referenced by an existing '{entity}' item.",
        f"{CONFLICT}:dependent-item-exists",
        "Dependent Item Exists",
    ),
    Kind.NOT_FOUND: not_found("The specified item could not be found."),
    Kind.NOT_FOUND_UPDATE: not_found("Resource to update was not found."),
    Kind.NOT_FOUND_DELETE: not_found("Resource to delete was not found."),
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

PROBLEMS_7_3 = Wording("problem details", Phrases(pascal=True), TEMPLATES_7_3)
