"""Time and chance, in one place so that tests can stand still."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime


class Clock:
    """The machine's own clock. A test passes a subclass."""

    def now(self) -> float:
        """Seconds on a clock that never jumps."""
        return time.monotonic()

    def utc(self) -> datetime:
        """The date and time, for what outlives the process."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def uniform(self, low: float, high: float) -> float:
        """A random number, to spread retries."""
        return random.uniform(low, high)  # noqa: S311
