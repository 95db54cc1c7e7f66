"""How many requests may be in flight: as many as the API takes well, never more than the connection allows.

Halved when the API says that it is too much (429, 503) or stops answering, lowered a little when answers take twice
as long as they used to, raised by one a round of good answers: additive increase, multiplicative decrease. A refusal
among many good answers is that request's own affair, and slows no other.
"""

from __future__ import annotations

import asyncio
from collections import deque

from .clock import Clock

_WINDOW = 32
_STRAINED_RATIO = 2.0
_STRAINED_SECONDS = 0.1


class LatencyTrend:
    """Compares the mean time of the latest answers with the best mean seen, one window of answers at a time."""

    __slots__ = ("_best", "_count", "_sum")

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0
        self._best: float | None = None

    def add(self, seconds: float) -> bool | None:
        """True: answers have become slow; False: they have not; None: the window is not full yet."""
        self._count += 1
        self._sum += seconds
        if self._count < _WINDOW:
            return None
        mean, self._count, self._sum = self._sum / self._count, 0, 0.0
        if self._best is None or mean <= self._best:
            self._best = mean
            return False
        strained = mean > self._best * _STRAINED_RATIO and mean - self._best > _STRAINED_SECONDS
        # A lasting change, such as larger documents, becomes the new normal by and by.
        self._best += (mean - self._best) * 0.05
        return strained


class Limiter:
    """First come, first served. Each ``acquire`` must be followed by one ``release``."""

    def __init__(self, most: int, clock: Clock) -> None:
        self.most = most
        self._clock = clock
        self._limit = float(most)
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._trends: dict[str, LatencyTrend] = {}
        self._strained = False
        self._lowered_at = float("-inf")
        self._paused_until = float("-inf")
        self._refused: deque[bool] = deque(maxlen=_WINDOW)

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return int(self._limit)

    async def acquire(self) -> None:
        """Returns once a place is free and no pause is on."""
        if self._busy < self.limit and not self._waiting:
            self._busy += 1
        else:
            await self._queue()
        if self._paused_until > self._clock.now():
            await self._sit_out_pause()

    def release(self) -> None:
        self._busy -= 1
        self._admit()

    def went_well(self, kind: str, seconds: float) -> None:
        """An answer to a request of this ``kind`` (its method) came after ``seconds``."""
        self._refused.append(False)
        trend = self._trends.get(kind)
        if trend is None:
            trend = self._trends[kind] = LatencyTrend()
        strained = trend.add(seconds)
        if strained is not None:
            self._strained = strained
            if strained:
                self._limit = max(self._limit * 0.8, self.most / 4, 1.0)
        if not self._strained and self._limit < self.most:
            self._limit = min(self._limit + 1 / self._limit, self.most)
            self._admit()

    def too_much(self, sent_at: float) -> None:
        """The API was overwhelmed by a request sent at ``sent_at``.

        Requests that were in flight together count once: those sent before the last cut say nothing about it.
        """
        self._refused.append(True)
        if sent_at >= self._lowered_at and not self._isolated():
            self._lowered_at = self._clock.now()
            self._limit = max(self._limit / 2, 1.0)

    def pause(self, seconds: float) -> None:
        """No request starts before ``seconds`` have passed: the API asked for it.

        Unless nearly all the latest answers are good: then the API meant the request that it refused.
        """
        if not self._isolated():
            self._paused_until = max(self._paused_until, self._clock.now() + seconds)

    def _isolated(self) -> bool:
        """Whether there were refusals among the latest answers, but no more than one in ten."""
        return 0 < sum(self._refused) * 10 <= len(self._refused)

    async def _queue(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    async def _sit_out_pause(self) -> None:
        try:
            while (left := self._paused_until - self._clock.now()) > 0:
                await self._clock.sleep(left + self._clock.uniform(0, min(left, 1.0)))
        except asyncio.CancelledError:
            self.release()
            raise

    def _admit(self) -> None:
        while self._waiting and self._busy < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._busy += 1
                turn.set_result(None)
