"""The words of ODS/API up to 7.1: one sentence.

Sources: `ErrorTranslator`, `BadRequestTranslator`, the exceptions' own texts and the Postman suites at v5.3, v6.2 and
v7.1.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.ods.failures import Kind
from sandbox.ods.wording import Phrases, Template, Wording

_PHRASES_5 = Phrases(
    pascal=True,
    descriptor_suffix="Id",
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
_ITEM_DENIED = "Access to the resource item could not be authorized"
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
    Kind.NO_STUDENT: Template(403, f"{_ITEM_DENIED} because the 'StudentUSI' of the resource is empty."),
    Kind.NO_VALUE: Template(403, f"{_ITEM_DENIED} because the '{{name}}' of the resource is empty."),
    Kind.NO_ORGANIZATION: Template(404, "Education Organization with an identifier of '{id}' could not be found."),
    Kind.OTHER_ORGANIZATION: Template(403, "Authorization denied.  Access to the requested '{name}' was denied."),
    Kind.CLAIM_OF_ANOTHER_KIND: Template(403, "{message}"),
    Kind.NO_CLAIM_VALUES: Template(
        403, "The request can not be authorized because there were no education organizations on the claim."
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
    Kind.NO_STUDENT: Template(409, f"{_ITEM_DENIED} because the 'Student' was not found."),
}
_MESSAGES_7: dict[Kind, Template] = {
    **_MESSAGES_6,
    Kind.NO_STUDENT: Template(
        403,
        "Authorization denied. Either referenced 'Student' was not found or no relationships have been established "
        "between the caller's education organization id claims ({ids}) and the referenced 'Student'.",
    ),
    Kind.NO_PERSON: Template(409, f"{_ITEM_DENIED} because the '{{person}}' was not found."),
    Kind.KEY_CHANGE: Template(
        400, "Key values for this resource cannot be changed. Delete and recreate the resource item."
    ),
    Kind.SNAPSHOT_MISSING: Template(404, "Snapshot not found."),
    Kind.SNAPSHOT_WRITE: Template(405, "Snapshots are read-only."),
}

_NEWER = Phrases(pascal=True)
_PHRASES_6 = replace(
    _PHRASES_5, wrong_type=_NEWER.wrong_type, wrong_integer=_NEWER.wrong_integer, wrong_date=_NEWER.wrong_date
)
_PHRASES_7 = replace(_PHRASES_6, duplicate="The {ordinal} item of the {name} collection is a duplicate.")

MESSAGES_5_3 = Wording("message", _PHRASES_5, _MESSAGES_5)
MESSAGES_6_2 = Wording("message", _PHRASES_6, _MESSAGES_6)
MESSAGES_7_1 = Wording("message with correlation id", _PHRASES_7, _MESSAGES_7)
