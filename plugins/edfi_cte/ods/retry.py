"""Whether and when a request that failed is sent again.

POST here is an upsert by natural key, so every request may be repeated (page: Error Handling Best Practices).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from . import errors
from .circuit import Circuit
from .clock import Clock
from .errors import EdFiError
from .message import Answer, Request
from .values import whole_number

log = logging.getLogger(__name__)

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0

_MAY_PASS = (
    errors.Unreachable,
    errors.ConnectionLost,
    errors.TimedOut,
    errors.MalformedAnswer,
    errors.RateLimited,
    errors.ServerFault,
    errors.ConcurrentUpdate,
)
# Of these kinds, but never mended by waiting; too many tokens is waited out elsewhere (see token.py).
_STAYS = (errors.TlsFailed, errors.CircuitOpen, errors.Misconfigured, errors.TooManyTokens)

_SERVER_DOWN = (errors.Unreachable, errors.ConnectionLost, errors.TimedOut, errors.ServerFault)


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, in either form (RFC 9110, section 10.2.3), or None.

    A date is compared with the answer's own ``Date``, so that a wrong clock on either side does no harm.
    """
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if (seconds := whole_number(text)) is not None:
        return float(seconds)
    until = _date(text)
    if until is None:
        return None
    return max((until - (_date(headers.get("Date", "")) or clock.utc())).total_seconds(), 0.0)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Retrier:
    """Sends a request until it succeeds, fails for good, or has had its tries."""

    def __init__(self, clock: Clock, circuit: Circuit, *, tries: int, max_retry_after: float) -> None:
        self._clock = clock
        self.circuit = circuit
        self._tries = tries
        self.max_retry_after = max_retry_after

    async def run(
        self,
        request: Request,
        attempt: Callable[[Request], Awaitable[Answer]],
        *,
        failed: EdFiError | None = None,
    ) -> Answer:
        """The answer of the first ``attempt`` that raises nothing, or the last one's error.

        ``failed``: what a first try, made by the caller, has come to. The error that is raised says in
        ``outcome_unknown`` whether any try may have been carried out.
        """
        lost = False
        for number in itertools.count(1):
            try:
                if failed is not None:
                    raise failed
                self.circuit.admit()
                answer = await attempt(request)
            except EdFiError as caught:
                error, failed = caught, None
            else:
                self.circuit.answered()
                return answer
            wait = self._wait(error, number, lost)
            lost = lost or error.outcome_unknown
            if wait is None:
                break
            log.debug("%s: %s on try %d, next in %.1f s", request.name, error.type, number, wait)
            await self._clock.sleep(wait)
        raise self._given_up(error, number, lost)

    def _wait(self, error: EdFiError, number: int, lost: bool) -> float | None:
        """Seconds until the next try, or None if there is none."""
        if error.tries or number >= self._tries or not _may_pass(error, lost):
            return None
        spread = self._clock.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (number - 1)))
        if error.retry_after is None:
            return spread
        return error.retry_after + spread if error.retry_after <= self.max_retry_after else None

    def _given_up(self, error: EdFiError, number: int, lost: bool) -> EdFiError:
        asked = error.retry_after or 0.0
        if asked > self.max_retry_after and _may_pass(error, lost):
            self.circuit.hold(asked)
        elif isinstance(error, errors.Refused) and not isinstance(error, errors.ServerFault):
            self.circuit.answered()
        elif isinstance(error, _SERVER_DOWN) and not isinstance(error, errors.CircuitOpen) and not error.tries:
            self.circuit.gave_up()
        error.tries = error.tries or number
        error.outcome_unknown = lost
        return error


def _may_pass(error: EdFiError, lost: bool) -> bool:
    """``lost``: an earlier try of the same request got no answer, and may still be at work."""
    if lost and isinstance(error, errors.NaturalKeyConflict):
        return True
    return isinstance(error, _MAY_PASS) and not isinstance(error, _STAYS)
