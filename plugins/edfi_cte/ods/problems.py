"""Turns an answer that is no success into the error that says what it means.

Sources: ODS/API v5.3, v6.2, v7.1 (ErrorTranslator, BadRequestTranslator), v7.2+ (EdFi.Ods.Common/Exceptions), the
DMS's FailureResponse, and Ed-Fi's Error Response Knowledge Base.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import errors
from .capabilities import ErrorFormat
from .errors import Refused
from .message import Answer, Request, describe_body
from .scrub import request_values, scrub

_PREFIX = "urn:ed-fi:api:"

# Problem types after the prefix, with what follows the last named part being of the same kind.
_BY_PROBLEM: Mapping[str, type[Refused]] = {
    "bad-request": errors.ValidationFailed,
    "bad-request:data-validation-failed:key-change-not-supported": errors.KeyChangeRefused,
    "bad-request:parameter-validation-failed": errors.BadParameter,
    "key-change-not-supported": errors.KeyChangeRefused,
    "security:authentication": errors.AuthenticationFailed,
    "security:authentication:too-many-tokens": errors.TooManyTokens,
    "unauthorized": errors.AuthenticationFailed,
    "security:authorization": errors.AuthorizationDenied,
    "security:data-policy": errors.AuthorizationDenied,
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

_BY_STATUS: Mapping[int, type[Refused]] = {
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
_BY_WORDING: Mapping[int, tuple[tuple[re.Pattern[str], type[Refused]], ...]] = {
    400: (
        (re.compile(r"Key values for this resource cannot be changed"), errors.KeyChangeRefused),
        (re.compile(r"Unable to resolve value '.*' to an existing '\w+' resource"), errors.UnknownDescriptor),
        (re.compile(r"^Limit must be"), errors.BadParameter),
    ),
    403: (
        (re.compile(r"'StudentUSI' of the resource is empty"), errors.UnresolvedReference),
        (re.compile(r"any established relationships with the requested resource"), errors.NotYetEnrolled),
        (re.compile(r"No relationships have been established.*'StudentUniqueId'", re.DOTALL), errors.NotYetEnrolled),
    ),
    409: (
        (re.compile(r"related '\w+' resource does not exist"), errors.UnresolvedReference),
        (re.compile(r"because the '\w+' was not found"), errors.UnresolvedReference),
        (re.compile(r"is a dependency of"), errors.DependentExists),
        (re.compile(r"natural key conflict|are not unique|duplicate key", re.IGNORECASE), errors.NaturalKeyConflict),
    ),
}

_NO_SUCH_ROUTE = re.compile(r"The specified data could not be found")
_NO_CLAIM = ("security:authorization:access-denied:resource", "security:authorization:access-denied:action")
_NOT_ENROLLED = re.compile(r"StudentSchoolAssociation|\bStudentUniqueId\b", re.IGNORECASE)
_EVERY_RECORD = re.compile(r"Are you missing a claim|for the requested action")
_NO_DESCRIPTOR = re.compile(r"descriptor value .* does not exist", re.IGNORECASE)
_LIMIT = re.compile(r"\bLimit must be\b|\bpageSize must be\b|\bpage size must be\b", re.IGNORECASE)
_LIMIT_TOP = re.compile(r"between \d+ and (\d+)")
_PROPERTY = re.compile(
    r"^\s*(\w+) is required|\bfield (\w+) must|(\w+) property is part of the primary key"
    r"|existing '(\w+)' resource|related '(\w+)' resource|referenced '(\w+)' item|because the '(\w+)' was not found",
    re.MULTILINE,
)
_SEE_BELOW = re.compile(r" See '(?:errors|validationErrors)' for details\.")
_PLAIN_NAME = re.compile(r"[\w$.\[\]-]{1,200}")
_CORRELATION_ID = re.compile(r"[\w.:-]{1,64}")
_OAUTH_CODE = re.compile(r"[a-z_]{1,40}")


class _Problem(NamedTuple):
    """What a body says, whichever its format."""

    kind: str
    text: str
    named: Mapping[str, Any]
    correlation_id: str | None


def problem_of(
    answer: Answer,
    request: Request,
    error_format: ErrorFormat,
    *,
    retry_after: float | None = None,
    secrets: frozenset[str] = frozenset(),
) -> Refused:
    """The error for an answer of status 300 or more. Its message holds nothing of the request, nor ``secrets``."""
    problem = _read(answer)
    kind = _kind(answer.status, problem, error_format)
    if kind is errors.NotFound and _is_no_route(answer, problem, error_format):
        kind = errors.WrongRoute
    error = kind(
        _message(answer, request, problem, secrets),
        status=answer.status,
        correlation_id=problem.correlation_id,
        properties=_properties(problem),
        retry_after=retry_after,
    )
    if isinstance(error, errors.LimitRefused) and (top := _LIMIT_TOP.search(problem.text)):
        error.allowed = int(top[1])
    if problem.kind.startswith(_NO_CLAIM) or _EVERY_RECORD.search(problem.text):
        error.systemic = True
    return error


def _read(answer: Answer) -> _Problem:
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return _Problem("", "", {}, None)
    named = body.get("validationErrors") or body.get("modelState") or {}
    named = named if isinstance(named, dict) else {}
    listed = body.get("errors") or []
    parts = [body.get("message"), body.get("detail"), *(listed if isinstance(listed, list) else [])]
    text = "\n".join(part for part in parts if isinstance(part, str))
    kind, correlation_id = body.get("type"), body.get("correlationId")
    return _Problem(
        # The DMS of 2025 ends some types with a colon.
        kind.removeprefix(_PREFIX).rstrip(":") if isinstance(kind, str) and kind.startswith(_PREFIX) else "",
        text or _oauth_text(body),
        named,
        correlation_id if isinstance(correlation_id, str) and _CORRELATION_ID.fullmatch(correlation_id) else None,
    )


def _oauth_text(body: Mapping[str, Any]) -> str:
    """The token endpoint's ``{"error": "invalid_client"}`` (RFC 6749, section 5.2)."""
    code = body.get("error")
    return code if isinstance(code, str) and _OAUTH_CODE.fullmatch(code) else ""


def _kind(status: int, problem: _Problem, error_format: ErrorFormat) -> type[Refused]:
    if problem.kind and error_format is not ErrorFormat.TEXT:
        kind = _by_problem(problem.kind) or _by_status(status)
    elif error_format is ErrorFormat.PROBLEM_DETAILS:
        kind = _by_status(status)
    else:
        kind = _by_wording(status, problem.text)
    return _narrowed(kind, problem)


def _is_no_route(answer: Answer, problem: _Problem, error_format: ErrorFormat) -> bool:
    """True for a 404 that is of the path, not of an item: it must not pass for "the item is gone".

    ODS/API explains a missing item in JSON and has, up to 7.1, nothing to say of a missing route; the DMS may leave
    the body of a missing item empty; any other text is a gateway's.
    """
    if problem.kind or problem.text:
        return bool(_NO_SUCH_ROUTE.search(problem.text))
    return bool(answer.body) or error_format is not ErrorFormat.PROBLEM_DETAILS


def _by_problem(kind: str) -> type[Refused] | None:
    """The longest named type that ``kind`` is, or is a part of."""
    while kind:
        if kind in _BY_PROBLEM:
            return _BY_PROBLEM[kind]
        kind = kind.rpartition(":")[0]
    return None


def _by_status(status: int) -> type[Refused]:
    return _BY_STATUS.get(status, errors.ServerFault if status >= 500 else errors.Refused)


def _by_wording(status: int, text: str) -> type[Refused]:
    wordings = _BY_WORDING.get(status, ())
    return next((kind for pattern, kind in wordings if pattern.search(text)), _by_status(status))


def _narrowed(kind: type[Refused], problem: _Problem) -> type[Refused]:
    """Kinds that share a problem type are told apart by the words that are part of the API's own tests."""
    if kind is errors.ValidationFailed and _NO_DESCRIPTOR.search(_named_text(problem)):
        return errors.UnknownDescriptor
    if kind is errors.BadParameter and _LIMIT.search(problem.text):
        return errors.LimitRefused
    if problem.kind == "security:authorization" and _NOT_ENROLLED.search(problem.text):
        return errors.NotYetEnrolled
    return kind


def _message(answer: Answer, request: Request, problem: _Problem, secrets: frozenset[str]) -> str:
    values = request_values(request) | secrets
    text = _SEE_BELOW.sub("", problem.text)
    said = [scrub(text, values)] if text else []
    said += [f"{_plain(name)}: {scrub(_joined(told), values)}" for name, told in problem.named.items()]
    return f"{request.name} was refused: {' '.join(said) or describe_body(answer)}"


def _properties(problem: _Problem) -> tuple[str, ...]:
    """What the API complains of: the keys of its list of errors, else the names in its sentences."""
    if problem.named:
        return tuple(_plain(name) for name in problem.named if _PLAIN_NAME.fullmatch(name))
    return tuple(next(filter(None, found)) for found in _PROPERTY.findall(problem.text))


def _plain(name: str) -> str:
    """A property's path, without the binder's ``request.``; a gap where it is no path."""
    return name.removeprefix("request.") if _PLAIN_NAME.fullmatch(name) else "…"


def _named_text(problem: _Problem) -> str:
    return "\n".join(_joined(told) for told in problem.named.values())


def _joined(told: Any) -> str:
    return " ".join(str(part) for part in told) if isinstance(told, list) else str(told)
