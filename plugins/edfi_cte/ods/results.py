"""What the verbs return, and how it is read from answers."""

from __future__ import annotations

from typing import Any, NamedTuple

from .errors import MalformedAnswer
from .message import Answer
from .values import item_id, whole_number


class WriteResult(NamedTuple):
    """``id`` is the last segment of the answer's Location, ``etag`` is without quotes; None where not told."""

    status: int
    id: str | None
    etag: str | None
    created: bool


class ChangeVersions(NamedTuple):
    """The oldest and newest change that an API's change queries know of."""

    oldest: int
    newest: int


class TokenInfo(NamedTuple):
    """What the API says of the client's token."""

    active: bool
    client_id: str
    education_organization_ids: tuple[int, ...]
    namespace_prefixes: tuple[str, ...]
    claim_set: str | None


def write_result(answer: Answer) -> WriteResult:
    """Location's host and path may be those of a server behind the proxy: only its last segment is meant for us.

    Where that is no id, none is told.
    """
    location = answer.headers.get("Location")
    etag = answer.headers.get("ETag")
    return WriteResult(
        answer.status,
        item_id(location.rpartition("/")[2]) if location else None,
        etag.removeprefix("W/").strip('"') if etag else None,
        answer.status == 201,
    )


def token_info(body: Any, name: str) -> TokenInfo:
    """Reads an answer of oauth/token_info (ODS/API 5.3 on; ``claim_set`` from 7.3 on)."""
    if not isinstance(body, dict):
        raise MalformedAnswer(f"{name} was answered with no JSON object.")
    organizations = body.get("education_organizations")
    organizations = organizations if isinstance(organizations, list) else []
    told = [item.get("education_organization_id") for item in organizations if isinstance(item, dict)]
    ids = {number for value in told if (number := whole_number(value)) is not None}
    claim_set, prefixes = body.get("claim_set"), body.get("namespace_prefixes")
    claim_set = claim_set.get("name") if isinstance(claim_set, dict) else claim_set
    return TokenInfo(
        active=body.get("active") is True,
        client_id=str(body.get("client_id") or ""),
        education_organization_ids=tuple(sorted(ids)),
        namespace_prefixes=tuple(map(str, prefixes)) if isinstance(prefixes, list) else (),
        claim_set=claim_set if isinstance(claim_set, str) else None,
    )


def change_versions(body: Any, name: str) -> ChangeVersions:
    """Reads an answer of availableChangeVersions: in PascalCase up to ODS/API 5.3, in camelCase since."""
    found = {str(key).casefold(): value for key, value in body.items()} if isinstance(body, dict) else {}
    oldest, newest = (whole_number(found.get(which)) for which in ("oldestchangeversion", "newestchangeversion"))
    if oldest is None or newest is None:
        raise MalformedAnswer(f"{name} was answered without an oldest and newest version.")
    return ChangeVersions(oldest, newest)
