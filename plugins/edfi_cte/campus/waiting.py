"""A driver's calls on a thread of their own, so that no wait is without a limit.

pymssql serves no signal while it waits, so neither Airflow's execution_timeout nor Ctrl+C could end a read of a
locked table or of a frozen line, and its own ``timeout`` does not cover the statements of connecting.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple["Future[Any]", Callable[[], Any]]


class WaitedTooLong(Exception):
    """A call has not come back within the limit."""


class DriverThread:
    """Runs one call after another; each may take ``seconds``. Used as a context, and by one thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._pending: Future[Any] | None = None
        self._ended = False
        context = contextvars.copy_context()
        # A daemon: a driver that never comes back must not keep the process from its end.
        Thread(target=context.run, args=(self._serve,), name="campus-driver", daemon=True).start()

    def __enter__(self) -> DriverThread:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended = True
        self._jobs.put(None)

    def call(self, work: Callable[[], T]) -> T:
        """What ``work`` returns or raises. Raises WaitedTooLong; RuntimeError once the context has ended."""
        if self._ended:
            # A generator that was left before its end closes its cursor late, when no one serves it.
            raise RuntimeError("the driver's thread has ended")
        self._pending = future = self._later(work)
        try:
            result: T = future.result(self._seconds)
        except TimeoutError:
            if future.done():
                raise  # the driver's own
            raise WaitedTooLong from None
        return result

    def close(self, work: Callable[[], object]) -> None:
        """Do ``work`` last: now, or when a call comes back that was not waited for to its end."""
        if self._pending is None or self._pending.done():
            self.call(work)
        else:
            self._later(work)

    def _later(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs.put((future, work))
        return future

    def _serve(self) -> None:
        while job := self._jobs.get():
            future, work = job
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - handed to the one who waits
                future.set_exception(error)
            del job, future, work  # holds no rows while it waits
