"""The bearer token: one a process, renewed before it expires and when refused, shared where a store is given."""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import threading
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from yarl import URL

from . import errors
from .config import EdFiConfig
from .errors import AuthenticationFailed, EdFiError
from .message import Answer, Request
from .token_store import TokenStore, store_key
from .wire import Wire

log = logging.getLogger(__name__)

_MARGIN_SECONDS = 60.0
_MARGIN_PART = 0.1
_DENIED_SECONDS = 60.0
_UNPROVEN_REFUSALS = 2
_TOKEN_WAIT = 60.0
_LIFETIME_UNSAID = 300.0
_LONGEST_LIFETIME = 366 * 86400

_NO_TOKENS_HERE = (
    "Check the connection's base URL, tenant, instance and route; where another address grants the tokens, "
    "set token_url."
)

TOKEN_REQUEST = "POST oauth/token"  # noqa: S105


_fetching: dict[str, threading.Lock] = {}
# A child forked while a thread was fetching would wait for a thread that it does not have.
os.register_at_fork(after_in_child=_fetching.clear)


class TokenSource:
    """Gives out the current token. Used by one event loop."""

    def __init__(
        self,
        config: EdFiConfig,
        token_url: str,
        *,
        store: TokenStore,
        wire: Wire,
    ) -> None:
        self._config = config
        self._store = store
        self._wire = wire
        self._clock = wire.clock
        self._key = store_key(token_url, config)
        self._request = _token_request(token_url, config)
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._stale_at = float("-inf")
        self._from_endpoint = False
        self._proven = False
        self._unproven_refusals = 0
        self._failures = 0
        self._denied: EdFiError | None = None
        self._denied_until = float("-inf")

    def current(self) -> str | None:
        """The token, if it need not be renewed."""
        return self._token if self._clock.now() < self._stale_at else None

    async def obtain(self) -> str:
        """A token that is fit to use; of many callers at once, one fetches it and the others share what it gets.

        Raises AuthenticationFailed if the key or secret is refused, TooManyTokens if no place became free within
        ``token_wait``, and NoAnswer if the API cannot be asked.
        """
        failures = self._failures
        async with self._lock:
            token = self.current()
            if token is not None:
                return token
            if self._denied is not None and (self._failures > failures or self._clock.now() < self._denied_until):
                raise copy.copy(self._denied)
            try:
                return await self._renew()
            except EdFiError as error:
                error.systemic = True  # without a token, every request meets it
                self._remember(error)
                raise

    def accepted(self) -> None:
        """The API took the current token."""
        self._proven = True
        self._unproven_refusals = 0

    def refused(self, token: str) -> None:
        """The API answered ``token`` with 401. It is not used again, by anyone."""
        if token != self._token:
            return
        self._store.discard(self._key, token)
        self._token, self._stale_at = None, float("-inf")
        if self._from_endpoint and not self._proven:
            self._unproven_refusals += 1
        if self._unproven_refusals >= _UNPROVEN_REFUSALS:
            self._remember(
                AuthenticationFailed("The API refuses the very tokens that its token endpoint grants.", status=401)
            )

    def _remember(self, error: EdFiError) -> None:
        """Callers who wait share the failure. An endpoint that answers amiss, as for a refused key, is left alone for
        a while; one that is down is the circuit's affair."""
        self._failures += 1
        self._denied = error
        if not isinstance(error, errors.NoAnswer | errors.ServerFault):
            self._denied_until = self._clock.now() + _DENIED_SECONDS

    async def _renew(self) -> str:
        async with self._alone_in_process():
            return self._from_store() or await self._fetch()

    @asynccontextmanager
    async def _alone_in_process(self) -> AsyncIterator[None]:
        """Other threads' event loops wait here; asyncio's lock cannot reach them."""
        lock = _fetching.setdefault(self._key, threading.Lock())
        while not lock.acquire(blocking=False):  # noqa: ASYNC110 - the lock is a thread's, not the loop's
            await asyncio.sleep(0.02)
        try:
            yield
        finally:
            lock.release()

    def _from_store(self) -> str | None:
        held = self._store.get(self._key)
        if held is None:
            return None
        token, expires_at = held
        left = (expires_at - self._clock.utc()).total_seconds()
        if left <= _MARGIN_SECONDS:
            return None
        self._use(token, left, from_endpoint=False)
        return token

    async def _fetch(self) -> str:
        """A new token of the endpoint; where others hold all places, waits for one, or for one that is shared."""
        give_up_at = self._clock.now() + self._config.token_wait
        while True:
            try:
                answer = await self._wire.retrier.run(self._request, self._attempt)
            except errors.TooManyTokens as error:
                full = error
            else:
                return self._granted(answer)
            wait = self._clock.uniform(_TOKEN_WAIT / 4, _TOKEN_WAIT) if full.retry_after is None else full.retry_after
            if self._clock.now() + wait > give_up_at:
                raise full
            log.warning("The API has given out as many tokens as it allows; asking again in %.0f s.", wait)
            await self._clock.sleep(wait)
            if shared := self._from_store():
                return shared

    async def _attempt(self, request: Request) -> Answer:
        try:
            answer = await self._wire.ask(request, frozenset({self._config.client_secret}))
        except errors.NotFound as error:
            error.advice = _NO_TOKENS_HERE
            raise
        except errors.Refused as error:
            if error.status not in (400, 401):
                raise
            refusal = error
        else:
            _grant_of(answer)
            return answer
        # ODS/API 5.x answers a wrong secret with 400, later ones with 401.
        raise AuthenticationFailed(refusal.message, status=refusal.status, correlation_id=refusal.correlation_id)

    def _granted(self, answer: Answer) -> str:
        token, lifetime = _grant_of(answer)
        self._use(token, lifetime, from_endpoint=True)
        self._store.put(self._key, token, self._clock.utc() + timedelta(seconds=lifetime))
        log.info("A new token was granted, for %.0f s.", lifetime)
        return token

    def _use(self, token: str, lifetime: float, *, from_endpoint: bool) -> None:
        self._token = token
        self._stale_at = self._clock.now() + lifetime - _margin(lifetime)
        self._from_endpoint, self._proven = from_endpoint, False


def _grant_of(answer: Answer) -> tuple[str, float]:
    """The token and its lifetime in seconds. Raises MalformedAnswer."""
    granted = answer.json(TOKEN_REQUEST)
    if isinstance(granted, dict) and isinstance(token := granted.get("access_token"), str) and token:
        lifetime = granted.get("expires_in")
        if isinstance(lifetime, int | float) and 0 < lifetime < _LONGEST_LIFETIME:
            return token, float(lifetime)
        return token, _LIFETIME_UNSAID
    raise errors.MalformedAnswer(f"{TOKEN_REQUEST} was answered without a token.", status=answer.status)


def _margin(lifetime: float) -> float:
    """How long before its expiry a token is no longer used: the time that a request may be on its way."""
    return min(_MARGIN_SECONDS, max(lifetime, 0.0) * _MARGIN_PART)


def _token_request(token_url: str, config: EdFiConfig) -> Request:
    """Basic header and form body: the one way that every ODS/API and the DMS understand (RFC 6749, section 2.3.1)."""
    credentials = f"{config.client_id}:{config.client_secret}".encode()
    return Request(
        "POST",
        URL(token_url),
        TOKEN_REQUEST,
        b"grant_type=client_credentials",
        {
            "Authorization": f"Basic {b64encode(credentials).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
