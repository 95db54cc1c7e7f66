"""API clients, their claim sets and their tokens."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.ods.failures import Failure, Kind

Actions = frozenset[str]

_READ: Actions = frozenset({"read"})
_ALL: Actions = frozenset({"create", "read", "update", "delete"})
_ALL_AND_CHANGES: Actions = _ALL | {"readChanges"}
_READ_AND_CHANGES: Actions = frozenset({"read", "readChanges"})

CLAIM_SETS: dict[str, dict[str, Actions]] = {
    # ODS security metadata (0002-ResourceClaimMetadata): what a student information system gets.
    "SIS Vendor": {
        "edFiTypes": _READ,
        "systemDescriptors": _READ,
        "educationOrganizations": _READ,
        "people": _ALL,
        "relationshipBasedData": _ALL,
        "primaryRelationships": _ALL,
    },
    "Ed-Fi Sandbox": {
        "edFiTypes": _READ_AND_CHANGES,
        "systemDescriptors": _ALL_AND_CHANGES,
        "educationOrganizations": _ALL_AND_CHANGES,
        "people": _ALL_AND_CHANGES,
        "relationshipBasedData": _ALL_AND_CHANGES,
        "primaryRelationships": _ALL_AND_CHANGES,
    },
    "Ed-Fi API Publisher - Reader": dict.fromkeys(
        (
            "edFiTypes",
            "systemDescriptors",
            "educationOrganizations",
            "people",
            "relationshipBasedData",
            "primaryRelationships",
        ),
        _READ_AND_CHANGES,
    ),
    # Descriptors only: for a token that may do next to nothing.
    "Bootstrap Descriptors": {"systemDescriptors": _ALL},
}
UNRESTRICTED = frozenset({"Ed-Fi API Publisher - Reader"})
"""Claim sets that read without a relationship: as a host grants it to a publisher (NoFurtherAuthorizationRequired).

The Alliance's own metadata had such overrides for this one and took them away again (6.2, Changes/0050).
"""


@dataclass(frozen=True)
class Client:
    """One API client. `education_organizations`: the ids its claims start from."""

    key: str
    secret: str = field(repr=False)
    claim_set: str = "SIS Vendor"
    education_organizations: frozenset[int] = frozenset()
    namespace_prefixes: tuple[str, ...] = ("uri://ed-fi.org",)

    @property
    def claims(self) -> dict[str, Actions]:
        return CLAIM_SETS[self.claim_set]


@dataclass(frozen=True)
class Session:
    """A live token's client and the education organizations it was narrowed to."""

    client: Client
    education_organizations: frozenset[int]
    expires: float


class Clients:
    """The clients known, and the tokens they hold. `lifetime`: seconds that a token lives (ODS: 30 minutes)."""

    def __init__(self, lifetime: float = 1800, clock: Callable[[], float] = time.monotonic) -> None:
        self.lifetime = lifetime
        self.issued = 0
        self._clock = clock
        self._clients: dict[str, Client] = {}
        self._sessions: dict[str, Session] = {}

    def add(self, client: Client) -> None:
        self._clients[client.key] = client

    def authenticate(self, key: str, secret: str) -> Client | None:
        client = self._clients.get(key)
        if client is None or not secrets.compare_digest(client.secret.encode(), secret.encode()):
            return None
        return client

    def issue(self, client: Client, organizations: frozenset[int], limit: int | None) -> str:
        """A new token; Failure when the client already holds `limit` live ones (ODS 7.3+)."""
        now = self._clock()
        if limit is not None and self._live(client, now) >= limit:
            raise Failure(Kind.TOO_MANY_TOKENS, limit=limit)
        token = secrets.token_hex(16)
        self._sessions[token] = Session(client, organizations, now + self.lifetime)
        self.issued += 1
        return token

    def _live(self, client: Client, now: float) -> int:
        for token in [token for token, session in self._sessions.items() if session.expires <= now]:
            del self._sessions[token]
        return sum(session.client.key == client.key for session in self._sessions.values())

    def session(self, token: str) -> Session | None:
        """Who holds a token; None for one that's unknown, expired or revoked."""
        session = self._sessions.get(token)
        if session is None or session.expires <= self._clock():
            return None
        return session

    def revoke_all(self) -> int:
        """Ends every live token at once; how many there were."""
        count = len(self._sessions)
        self._sessions.clear()
        return count
