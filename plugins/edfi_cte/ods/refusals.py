"""Which error an API's refusal is, as tables: by problem type, by status, and by wording.

Sources: ODS/API v5.3, v6.2, v7.1 (ErrorTranslator, BadRequestTranslator, the exceptions' own texts), v7.2+
(EdFi.Ods.Common/Exceptions), the DMS's FailureResponse and RelationshipAuthorizationProblemDetails, and Ed-Fi's Error
Response Knowledge Base. Whether every record would meet an error is a property of its class (``errors``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from . import errors
from .errors import Meaning, Refused

PREFIX = "urn:ed-fi:api:"

# Problem types after the prefix, with what follows the last named part being of the same kind.
BY_PROBLEM: Mapping[str, type[Refused]] = {
    "bad-request": errors.ValidationFailed,
    "bad-request:data-policy-enforced": errors.ProfileRefused,
    "bad-request:data-validation-failed:key-change-not-supported": errors.KeyChangeRefused,
    "bad-request:parameter-validation-failed": errors.BadParameter,
    "key-change-not-supported": errors.KeyChangeRefused,
    "profile": errors.ProfileRefused,
    "security:authentication": errors.AuthenticationFailed,
    "security:authentication:too-many-tokens": errors.TooManyTokens,
    "unauthorized": errors.AuthenticationFailed,
    "security:authorization": errors.AuthorizationDenied,
    "security:authorization:access-denied": errors.RightsMissing,
    "security:data-policy": errors.ProfileRefused,
    "not-found": errors.NotFound,
    "route-resolution-error": errors.WrongRoute,
    "data-conflict": errors.Conflict,
    "data-conflict:unresolved-reference": errors.UnresolvedReference,
    "data-conflict:dependent-item-exists": errors.DependentExists,
    "data-conflict:non-unique-identity": errors.NaturalKeyConflict,
    "data-conflict:non-unique-values": errors.NaturalKeyConflict,
    "data-conflict:multi-user-conflict": errors.ConcurrentUpdate,
    "identity-conflict": errors.NaturalKeyConflict,
    "optimistic-lock-failed": errors.PreconditionFailed,
    "precondition-failed": errors.PreconditionFailed,
    "too-many-requests": errors.RateLimited,
    "system": errors.ServerFault,
    "system:database-connection": errors.Unavailable,
    "system:configuration": errors.Misconfigured,
    "service-unavailable": errors.Unavailable,
    "bad-gateway": errors.Unavailable,
    "service-configuration-error": errors.Misconfigured,
    "database-not-provisioned": errors.Misconfigured,
}

BY_STATUS: Mapping[int, type[Refused]] = {
    400: errors.ValidationFailed,
    401: errors.AuthenticationFailed,
    403: errors.AuthorizationDenied,
    404: errors.NotFound,
    408: errors.Unavailable,
    409: errors.Conflict,
    412: errors.PreconditionFailed,
    429: errors.RateLimited,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
}

# The wordings of ODS/API up to 7.1, by status; the first that is found decides.
BY_WORDING: Mapping[int, tuple[tuple[re.Pattern[str], type[Refused]], ...]] = {
    400: (
        (re.compile(r"Key values for this resource cannot be changed"), errors.KeyChangeRefused),
        (re.compile(r"Unable to resolve value '.*' to an existing '\w+' resource"), errors.UnknownDescriptor),
        (re.compile(r"\bStudent reference could not be resolved"), errors.StudentUnknown),
        (re.compile(r"\w+ reference could not be resolved"), errors.UnresolvedReference),
        (re.compile(r"^Limit must be"), errors.BadParameter),
    ),
    403: (
        (re.compile(r"Are you missing a claim|for the requested action"), errors.RightsMissing),
        (re.compile(r"no education organizations on the claim"), errors.RightsMissing),
        (re.compile(r"claims associated with an identifier of '\w+' cannot be used"), errors.RightsMissing),
        (re.compile(r"'StudentUSI' of the resource is empty"), errors.StudentUnknown),
        (re.compile(r"'\w+' of the resource is empty"), errors.ValidationFailed),
        (re.compile(r"Access to the requested '\w+Id' was denied"), errors.OrganizationDenied),
        (re.compile(r"any established relationships with the requested resource"), errors.NotYetEnrolled),
        (re.compile(r"Either referenced 'Student' was not found or"), errors.NotYetEnrolled),
    ),
    404: ((re.compile(r"^Education Organization with an identifier of"), errors.OrganizationUnknown),),
    409: (
        (re.compile(r"related 'student' resource does not exist"), errors.StudentUnknown),
        (re.compile(r"because the 'Student' was not found"), errors.StudentUnknown),
        (re.compile(r"related '\w+' resource does not exist"), errors.UnresolvedReference),
        (re.compile(r"because the '\w+' was not found"), errors.UnresolvedReference),
        (re.compile(r"is a dependency of"), errors.DependentExists),
        (re.compile(r"natural key conflict|are not unique|duplicate key", re.IGNORECASE), errors.NaturalKeyConflict),
    ),
}

# What these wordings leave open.
OPEN_WORDINGS: tuple[tuple[re.Pattern[str], tuple[Meaning, ...]], ...] = (
    # A student of v5.3 that isn't there has a wording of its own; an organization's kind decides before this one.
    (
        re.compile(r"any established relationships with the requested resource"),
        (Meaning.NOT_ENROLLED, Meaning.OUT_OF_REACH),
    ),
    (re.compile(r"Either referenced 'Student' was not found or"), (Meaning.NOT_ENROLLED, Meaning.UNKNOWN)),
)
ELEMENT_REQUIRED = "security:authorization:relationships:access-denied:element-required"
_STUDENT = "StudentUniqueId"
_HINT = "StudentSchoolAssociation"
_NO_CLAIMS = re.compile(r"organization id claims \(none\)")
_QUOTED_IDS = re.compile(r"organization id claims? \('")
"""The DMS puts the ids of its claims into quotes; it tells a student who isn't there apart from one out of reach."""
_NAME = re.compile(r"\b[A-Z]\w*Id\b")


class Denial(NamedTuple):
    """A missing relationship as an error: its class, and what it may mean where that is more than the class says."""

    kind: type[Refused]
    meanings: tuple[Meaning, ...] = ()


def denial_of(text: str, *, exact: bool) -> Denial | None:
    """What ``No relationships have been established … and the resource item's 'StudentUniqueId' value`` means.

    ``exact``: the API answers otherwise where the student does not exist (ODS/API 6.0 to 7.1).
    """
    if "No relationships" not in text or "resource item" not in text:
        hinted = _HINT in text
        return Denial(errors.NotYetEnrolled, (Meaning.NOT_ENROLLED, Meaning.UNKNOWN)) if hinted else None
    if _NO_CLAIMS.search(text):
        return Denial(errors.RightsMissing)
    quoted = _QUOTED_IDS.search(text) is not None
    exact = exact or quoted
    names = set(_NAME.findall(text.rpartition("resource item")[2]))
    if names == {_STUDENT}:
        return Denial(errors.NotYetEnrolled, () if exact else (Meaning.NOT_ENROLLED, Meaning.UNKNOWN))
    if _STUDENT in names:
        return Denial(errors.NotYetEnrolled, tuple(Meaning))
    if names and not any(name.endswith("UniqueId") for name in names):
        return Denial(errors.OrganizationDenied, () if quoted else (Meaning.OUT_OF_REACH, Meaning.UNKNOWN))
    return None


def required_element(text: str) -> type[Refused]:
    """What of ``The 'StudentUniqueId' value is required for authorization purposes`` is not there."""
    names = set(_NAME.findall(text.partition("required for authorization")[0] + text.partition("purposes:")[2]))
    if names == {_STUDENT}:
        return errors.StudentUnknown
    if names and not any(name.endswith("UniqueId") for name in names):
        return errors.OrganizationUnknown
    return errors.UnresolvedReference


def unresolved(text: str) -> type[Refused]:
    """``UnresolvedReference``, or the student alone."""
    names = set(re.findall(r"referenced '?(\w+)'? item does not exist", text))
    return errors.StudentUnknown if names == {"Student"} else errors.UnresolvedReference
