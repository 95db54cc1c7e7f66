"""A request and its answer, with all that lies between: token, turn, tries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from . import errors
from .capabilities import ErrorFormat
from .errors import EdFiError
from .limiter import Limiter
from .message import Answer, Request, is_page
from .retry import retry_after
from .tokens import TokenSource
from .wire import Wire

log = logging.getLogger(__name__)


class Exchange:
    """Sends authorized requests, as many at once as the limiter allows."""

    def __init__(
        self,
        *,
        wire: Wire,
        tokens: TokenSource,
        limiter: Limiter,
        underway: int,
        admit: Callable[[], None] | None,
        error_format: ErrorFormat,
    ) -> None:
        self._wire = wire
        self._transport = wire.transport
        self._clock = wire.clock
        self._tokens = tokens
        self._limiter = limiter
        self._admit = admit
        # A request that waits for its next try keeps its place here, so that an API in trouble meets no new ones.
        self._being_handled = asyncio.Semaphore(underway)
        self._error_format = error_format
        self._headers_token: str | None = None
        self._read_headers: Mapping[str, str] = {}
        self._write_headers: Mapping[str, str] = {}

    async def run(self, request: Request) -> Answer:
        """The answer, if it is a success. Raises the EdFiError that says why there is none.

        The first try, nearly always the only one, is made right here: the layers that further tries need cost
        thousands of writes a tenth of their time. What it came to is handed on, not asked for again.
        """
        retrier = self._wire.retrier
        async with self._being_handled:
            try:
                retrier.circuit.admit()
                await self._limiter.acquire()
                try:
                    answer = await self._once(request, self._tokens.current() or await self._tokens.obtain())
                    if answer.status == 401:
                        answer = await self._once(request, await self._tokens.obtain())
                finally:
                    self._limiter.release()
                self._check(answer, request)
            except EdFiError as error:
                failed = error
            else:
                retrier.circuit.answered()
                return answer
            return await retrier.run(request, self._attempt, failed=failed)

    async def run_json(
        self, request: Request, decode: Callable[[bytes], Any] | None = None
    ) -> tuple[Any, Mapping[str, str]]:
        """The answer's JSON and headers. A text that is no JSON is asked for again, as any broken answer is.

        ``decode`` makes something else of the body than plain objects, or None where it can't.
        """
        read: Any = None

        async def attempt(request: Request) -> Answer:
            nonlocal read
            answer = await self._attempt(request)
            read = decode(answer.body) if decode is not None else None
            if read is None:
                read = answer.json(request.name)
            return answer

        answer = await self._run(request, attempt)
        return read, answer.headers

    async def run_unchecked(self, request: Request) -> Answer:
        """The last answer, success or not; retried as ever. Raises only where no answer came."""
        last: Answer | None = None

        async def attempt(request: Request) -> Answer:
            nonlocal last
            last = None
            last = await self._send(request)
            self._check(last, request)
            return last

        try:
            return await self._run(request, attempt)
        except errors.Refused:
            if last is None:
                raise
            return last

    async def _run(self, request: Request, attempt: Callable[[Request], Awaitable[Answer]]) -> Answer:
        async with self._being_handled:
            return await self._wire.retrier.run(request, attempt)

    async def _attempt(self, request: Request) -> Answer:
        answer = await self._send(request)
        self._check(answer, request)
        return answer

    async def _send(self, request: Request) -> Answer:
        """One try; a refused token is replaced and the request sent once more."""
        await self._limiter.acquire()
        try:
            answer = await self._once(request, self._tokens.current() or await self._tokens.obtain())
            return answer if answer.status != 401 else await self._once(request, await self._tokens.obtain())
        finally:
            self._limiter.release()

    async def _once(self, request: Request, token: str) -> Answer:
        if self._admit is not None and request.is_write:
            self._admit()
        sent_at = self._clock.now()
        try:
            answer = await self._transport.send(request, self._headers(request, token))
        except errors.TimedOut:
            self._limiter.too_much(sent_at)
            raise
        self._heed(answer, request, sent_at)
        if answer.status == 401:
            self._tokens.refused(token)
        else:
            self._tokens.accepted()
        return answer

    def _heed(self, answer: Answer, request: Request, sent_at: float) -> None:
        """Tells the limiter how the API takes what it is sent."""
        if answer.status in (429, 502, 503, 504):
            self._limiter.too_much(sent_at)
            wait = retry_after(answer.headers, self._clock)
            # A longer one ends this request, and the circuit spares the API the others: none sits it out.
            if wait and wait <= self._wire.retrier.max_retry_after:
                self._limiter.pause(wait)
        else:
            self._limiter.went_well(request.method, self._clock.now() - sent_at)

    def _check(self, answer: Answer, request: Request) -> None:
        """Raises the error that an answer means, unless it is a success."""
        if not answer.ok or (request.is_write and is_page(answer)):
            raise self._problem(answer, request)

    def _problem(self, answer: Answer, request: Request) -> EdFiError:
        error = self._wire.problem(answer, request, self._error_format, frozenset({self._headers_token or ""}))
        if request.is_write and isinstance(error, errors.ServerFault):
            # A fault on the way back, or after the commit, looks like one on the way there.
            error.outcome_unknown = True
        log.debug("%s: %s %s", request.name, answer.status, error.type)
        return error

    def _headers(self, request: Request, token: str) -> Mapping[str, str]:
        """The usual headers are made once a token."""
        if token != self._headers_token:
            self._headers_token = token
            self._read_headers = {"Authorization": f"Bearer {token}"}
            self._write_headers = {**self._read_headers, "Content-Type": "application/json"}
        usual = self._read_headers if request.body is None else self._write_headers
        return usual if request.headers is None else {**usual, **request.headers}
