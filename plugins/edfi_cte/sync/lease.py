"""A try's permission to work on a target: what it may write to the ledger, and whether a request may still begin."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import sqlalchemy as sa

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import leases
from edfi_cte.ledger.leases import LeaseLost, Needs, Owner, Step
from edfi_cte.ods.errors import Halted

RENEW = timedelta(seconds=20)
"""Between two renewals in the background, whatever else goes on."""

SLACK = timedelta(seconds=30)
"""No request begins so long before others may take the step over: the last one can be answered by then."""

LOOK = 1.0
"""Seconds between two looks at the settings while requests are sent."""

log = logging.getLogger(__name__)


class StoodStill(EdfiCteError):
    """This process, or the ledger, did not answer for longer than the lease lasts."""

    transient = True


def clock() -> float:
    """Seconds that go on while the process, or the whole machine, is suspended; no one sets this clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """What one try of a step holds, from :meth:`begin` to :meth:`end`.

    ``watch``: what has happened in the settings that ends the step, if anything (the toggle, switched off).
    ``over``: why no request may begin any more, once that is so.
    """

    def __init__(
        self, ledger: sa.Engine, target_id: str, owner: Owner, watch: Callable[[], EdfiCteError | None]
    ) -> None:
        self._ledger, self._target_id, self._owner, self._watch = ledger, target_id, owner, watch
        self._token = uuid.uuid4().hex
        self._step = Step("", 0, "")
        self._deadline = self._looked_at = clock()
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None
        self.over: EdfiCteError | None = None

    @property
    def token(self) -> str:
        """Which try this is."""
        return self._token

    def begin(self, connection: sa.Connection, step: Step, needs: Needs) -> Callable[[], None]:
        """Take the step, in the caller's transaction; call what is returned once that is committed.

        Raises LeaseHeld and PlanPast, having changed nothing.
        """
        asked = clock()
        self._step = step
        leases.begin(connection, self._target_id, self._owner, step, self._token, needs)

        def begun() -> None:
            self._confirm(asked)
            self._renewing = threading.Thread(target=self._renew, name=f"lease of {self._target_id}", daemon=True)
            self._renewing.start()

        return begun

    def end(self) -> None:
        """Let the step go, so that nobody has to wait for it."""
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join(RENEW.total_seconds())
        with suppress(sa.exc.DBAPIError), self._ledger.begin() as connection:
            leases.let_go(connection, self._target_id, self._token)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A ledger transaction that first renews the lease. Raises LeaseLost if others have taken over."""
        asked = clock()
        with self._ledger.begin() as connection:
            try:
                leases.renew(connection, self._target_id, self._step, self._token)
            except LeaseLost as lost:
                self.over = lost
                raise
            yield connection
        self._confirm(asked)

    def done(self, connection: sa.Connection) -> None:
        """Keep that the step has ended well, where later ones build on it."""
        leases.done(connection, self._target_id, self._owner, self._step.name)

    def admit(self) -> None:
        """Called before each request that writes to the ODS. Raises Halted once none may begin any more."""
        now = clock()
        if self.over is None and now >= self._deadline:
            self.over = StoodStill(
                f"{self._target_id}: this task, or the ledger, did not answer for longer than the lease on the "
                "target lasts, so it sends nothing more. The next try goes on."
            )
        if self.over is None and now >= self._looked_at + LOOK:
            self._look()
        if self.over is not None:
            raise Halted(str(self.over))

    def _confirm(self, asked: float) -> None:
        """The ledger has confirmed what was asked for at that moment, or later."""
        self._deadline = max(self._deadline, asked + (leases.HOLD - SLACK).total_seconds())

    def _look(self) -> None:
        self._looked_at = clock()
        self.over = self.over or self._watch()

    def _renew(self) -> None:
        while not self._ended.wait(RENEW.total_seconds()):
            self._look()
            try:
                with self.writing():
                    pass
            except LeaseLost:
                return
            except sa.exc.SQLAlchemyError as error:
                # The deadline passes by itself if it goes on.
                log.warning("%s: the lease could not be renewed (%s)", self._target_id, type(error).__name__)
