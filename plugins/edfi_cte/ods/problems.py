"""Turns an answer that is no success into the error that says what it means.

Sources: ODS/API v5.3, v6.2, v7.1 (ErrorTranslator, BadRequestTranslator), v7.2+ (EdFi.Ods.Common/Exceptions), the
DMS's FailureResponse, and Ed-Fi's Error Response Knowledge Base.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import errors, refusals
from .capabilities import ErrorFormat
from .errors import Refused
from .message import Answer, Request, describe_body
from .scrub import request_descriptors, request_values, scrub
from .values import whole_number

_NO_SUCH_ROUTE = re.compile(r"The specified data could not be found")
_NO_DESCRIPTOR = re.compile(r"descriptor value .* does not exist", re.IGNORECASE)
_LIMIT = re.compile(r"\bLimit must be\b|\bpageSize must be\b|\bpage size must be\b", re.IGNORECASE)
_LIMIT_TOP = re.compile(r"between \d+ and (\d+)")
_PROPERTY = re.compile(
    r"^\s*(\w+) is required|\bfield (\w+) must|(\w+) property is part of the primary key"
    r"|existing '(\w+)' resource|related '(\w+)' resource|referenced '(\w+)' item|because the '(\w+)' was not found"
    r"|^\s*(\w+) reference could not be resolved",
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


_NO_PROBLEM = _Problem("", "", {}, None)
"""What a body says that is no JSON object."""


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
    kind, meanings = _kind(answer.status, problem, error_format)
    if kind is errors.NotFound and _is_no_route(answer, problem, error_format):
        kind = errors.WrongRoute
    if not _is_of_the_api(answer, problem, error_format):
        kind = errors.NotTheApi
    error = kind(
        _message(answer, request, problem, secrets),
        status=answer.status,
        correlation_id=problem.correlation_id,
        properties=_properties(problem),
        retry_after=retry_after,
        outcome_unknown=request.is_write and _may_be_a_gateways(kind, answer, problem),
    )
    if isinstance(error, errors.LimitRefused) and (top := _LIMIT_TOP.search(problem.text)):
        error.allowed = whole_number(top[1])
    if meanings:
        error.may_mean(meanings)
    return error


def _read(answer: Answer) -> _Problem:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return _NO_PROBLEM
    named = body.get("validationErrors") or body.get("modelState") or {}
    named = named if isinstance(named, dict) else {}
    listed = body.get("errors") or []
    parts = [body.get("message"), body.get("detail"), *(listed if isinstance(listed, list) else [])]
    text = "\n".join(part for part in parts if isinstance(part, str))
    kind, correlation_id = body.get("type"), body.get("correlationId")
    return _Problem(
        # The DMS of 2025 ends some types with a colon.
        kind.removeprefix(refusals.PREFIX).rstrip(":")
        if isinstance(kind, str) and kind.startswith(refusals.PREFIX)
        else "",
        text or _oauth_text(body),
        named,
        correlation_id if isinstance(correlation_id, str) and _CORRELATION_ID.fullmatch(correlation_id) else None,
    )


def _oauth_text(body: Mapping[str, Any]) -> str:
    """The token endpoint's ``{"error": "invalid_client"}`` (RFC 6749, section 5.2)."""
    code = body.get("error")
    return code if isinstance(code, str) and _OAUTH_CODE.fullmatch(code) else ""


def _kind(
    status: int, problem: _Problem, error_format: ErrorFormat
) -> tuple[type[Refused], tuple[errors.Meaning, ...]]:
    """The error's class, and what it may mean where that is more than the class says."""
    if problem.kind and error_format is not ErrorFormat.TEXT:
        if problem.kind == refusals.ELEMENT_REQUIRED:
            return refusals.required_element(problem.text), ()
        kind = _by_problem(problem.kind) or _by_status(status)
    elif error_format in _TYPED:
        kind = _by_status(status)
    else:
        kind = _by_wording(status, problem.text)
        opened = (meanings for pattern, meanings in refusals.OPEN_WORDINGS if pattern.search(problem.text))
        if meanings := next(opened, ()):
            return kind, meanings
    if kind is errors.AuthorizationDenied:
        denial = refusals.denial_of(problem.text, exact=not problem.kind)
        return (kind, ()) if denial is None else (denial.kind, denial.meanings)
    return _narrowed(kind, problem), ()


_TYPED = (ErrorFormat.PROBLEM_DETAILS, ErrorFormat.PROBLEM_OR_NOTHING)
_ANYONES = (404, 408, 413, 414, 429, 431)
"""Statuses that mean the same whoever answers; of 404 :func:`_is_no_route` decides more."""


def _is_of_the_api(answer: Answer, problem: _Problem, error_format: ErrorFormat) -> bool:
    """False for what something between here and the API must have said: it decides nothing about a record.

    An Ed-Fi API refuses in JSON. From ODS/API 7.2 on a 403 or 404 always has a type of its own; only the DMS may
    leave the body of a missing item empty.
    """
    if answer.status < 300:
        return False
    if answer.status >= 500:
        return True
    if problem is not _NO_PROBLEM:
        return bool(problem.kind) or answer.status not in (403, 404) or error_format not in _TYPED
    if answer.body:
        return answer.status in _ANYONES
    return answer.status != 404 or error_format is not ErrorFormat.PROBLEM_DETAILS


def _may_be_a_gateways(kind: type[Refused], answer: Answer, problem: _Problem) -> bool:
    """Whether the API may have carried a write out behind the answer."""
    return kind is errors.NotTheApi or (kind is errors.WrongRoute and bool(answer.body) and problem is _NO_PROBLEM)


def _is_no_route(answer: Answer, problem: _Problem, error_format: ErrorFormat) -> bool:
    """True for a 404 that is of the path, not of an item: it must not pass for "the item is gone".

    ODS/API explains a missing item in JSON and has, up to 7.1, nothing to say of a missing route; the DMS may leave
    the body of a missing item empty; any other text is a gateway's.
    """
    if problem.kind or problem.text:
        return bool(_NO_SUCH_ROUTE.search(problem.text))
    return bool(answer.body) or error_format is not ErrorFormat.PROBLEM_OR_NOTHING


def _by_problem(kind: str) -> type[Refused] | None:
    """The longest named type that ``kind`` is, or is a part of."""
    while kind:
        if kind in refusals.BY_PROBLEM:
            return refusals.BY_PROBLEM[kind]
        kind = kind.rpartition(":")[0]
    return None


def _by_status(status: int) -> type[Refused]:
    return refusals.BY_STATUS.get(status, errors.ServerFault if status >= 500 else errors.Refused)


def _by_wording(status: int, text: str) -> type[Refused]:
    wordings = refusals.BY_WORDING.get(status, ())
    return next((kind for pattern, kind in wordings if pattern.search(text)), _by_status(status))


def _narrowed(kind: type[Refused], problem: _Problem) -> type[Refused]:
    """Kinds that share a problem type are told apart by the words that are part of the API's own tests."""
    if kind is errors.ValidationFailed and _NO_DESCRIPTOR.search(_named_text(problem)):
        return errors.UnknownDescriptor
    if kind is errors.BadParameter and _LIMIT.search(problem.text):
        return errors.LimitRefused
    if kind is errors.UnresolvedReference:
        return refusals.unresolved(f"{problem.text}\n{_named_text(problem)}")
    return kind


def _message(answer: Answer, request: Request, problem: _Problem, secrets: frozenset[str]) -> str:
    values = request_values(request) | secrets
    text = _SEE_BELOW.sub("", problem.text)
    uris = request_descriptors(request)
    said = [scrub(text, values, uris)] if text else []
    said += [f"{_plain(name)}: {scrub(_joined(told), values, uris)}" for name, told in problem.named.items()]
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
