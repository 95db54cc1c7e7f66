"""Where tokens are kept for others to use: within a process, or beyond it."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Protocol

from .config import EdFiConfig


class TokenStore(Protocol):
    """Where processes share a token. Called seldom, on the event loop's thread: must not block for long.

    ``key`` names an API and a client, and tells nothing about the secret. ``expires_at`` is a UTC time by this
    machine's clock; whoever implements it keeps the token encrypted at rest.
    """

    def get(self, key: str) -> tuple[str, datetime] | None:
        """The token and when it expires, or None. An expired one may be returned."""

    def put(self, key: str, token: str, expires_at: datetime) -> None:
        """Keeps ``token`` in place of any other."""

    def discard(self, key: str, token: str) -> None:
        """Forgets ``token``, unless another has taken its place by now."""


class MemoryTokenStore:
    """Shares tokens among the clients of one process; safe to use from several threads."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def get(self, key: str) -> tuple[str, datetime] | None:
        return self._tokens.get(key)

    def put(self, key: str, token: str, expires_at: datetime) -> None:
        self._tokens[key] = (token, expires_at)

    def discard(self, key: str, token: str) -> None:
        held = self._tokens.get(key)
        if held is not None and held[0] == token:
            self._tokens.pop(key, None)


PROCESS_TOKENS = MemoryTokenStore()
"""What a client uses that is given no store: hooks and operators of one process share one token."""


def store_key(token_url: str, config: EdFiConfig) -> str:
    """Differs by secret, so that a corrected one is not served the token of the old, and tells nothing of it."""
    digest = hashlib.blake2b(digest_size=16, key=hashlib.blake2b(config.client_secret.encode()).digest())
    digest.update(json.dumps([token_url, config.client_id]).encode())
    return digest.hexdigest()
