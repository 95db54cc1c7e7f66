"""Stops asking an API that is plainly down, and asks again, once, from time to time."""

from __future__ import annotations

from .clock import Clock
from .errors import CircuitOpen

_FAILURES_TO_OPEN = 5
_SECONDS_OPEN = 30.0


class Circuit:
    """Opens after five requests in a row were given up, each after all its tries; closes on the first answer.

    Counting given-up requests, not failed tries, leaves the retries their time to bridge a short outage.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._reopens_at: float | None = None

    def admit(self) -> None:
        """Raises CircuitOpen while open. After a while one caller is let through, to see."""
        if self._reopens_at is None:
            return
        if self._clock.now() < self._reopens_at:
            raise CircuitOpen("The API did not answer the last requests, or asked to be left alone: none is sent.")
        self._reopens_at = self._clock.now() + _SECONDS_OPEN

    def hold(self, seconds: float) -> None:
        """The API asked to be left alone for longer than anyone here waits."""
        self._reopens_at = self._clock.now() + seconds

    def answered(self) -> None:
        """The API is there: even a refusal shows it."""
        self._failures = 0
        self._reopens_at = None

    def gave_up(self) -> None:
        self._failures += 1
        if self._failures >= _FAILURES_TO_OPEN:
            self._reopens_at = self._clock.now() + _SECONDS_OPEN
