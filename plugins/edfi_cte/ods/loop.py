"""The event loop that many requests run on: uvloop where it is installed (uvicorn brings it with Airflow)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, an eighth quicker at sending; None, which is asyncio's own, where it can't be imported."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def run(work: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run``, on the quicker loop."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(work)
