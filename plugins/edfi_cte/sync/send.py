"""Sending the queue: claim, request, settle; many requests in flight, few ledger transactions."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.plan import Action
from edfi_cte.ledger import events, old_documents, settling
from edfi_cte.ledger.events import Failure, Result
from edfi_cte.ledger.old_documents import OldDocument
from edfi_cte.ods import EdFiClient, loop
from edfi_cte.sync.checks.addresses import refuse_moved
from edfi_cte.sync.delivery import Delivery
from edfi_cte.sync.descriptors import Descriptors
from edfi_cte.sync.lane import Lane, StepFailed
from edfi_cte.sync.one_writer import OneWriter
from edfi_cte.sync.programs import Programs

CLAIM = 200
"""Events that a task takes at once: few enough that tasks which share a step end at the same time."""
SETTLE = 1000
GATHER = 0.1
"""Seconds in which answers gather: a ledger transaction costs nearly the same for one of them and for a hundred."""
log = logging.getLogger(__name__)


@dataclass
class Tally:
    """What a step sent: by action, and failures by error type."""

    attempted: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    out_of_reach: int = 0

    def add(self, result: Result) -> None:
        self.attempted += 1
        if result.out_of_reach and not result.deleted and result.ods_id is None:
            self.out_of_reach += 1
        elif result.failure is None:
            self.sent[str(result.event.action)] += 1
        else:
            self.failed[result.failure.error_type] += 1

    def counts(self) -> dict[str, Any]:
        """For the run's history."""
        return {
            "attempted": self.attempted,
            "sent": dict(self.sent),
            "failed": dict(self.failed),
            "refused": self.out_of_reach,
        }


def send_step(lane: Lane, step: str, *, only: Action | None = None) -> dict[str, Any]:
    """Send what is queued for ``step``, of one action or of all. Counts: attempted, sent by action, failed by type.

    Raises StepFailed on a systemic fault, and what ended the lease if that did: the rest stays queued. The events'
    own status in the ledger says what was done in either case.
    """
    with lane.ledger.connect() as connection:
        waiting = events.unfinished(connection, lane.target_id, step, only=only)
    if not waiting:
        return Tally().counts()
    client = lane.open_ods()
    tally, fault = loop.run(_send(lane, client, step, only))
    log.info("%s %s: %s sent, %s failed", lane.target_id, step, tally.sent.total(), tally.failed.total())
    if lane.lease.over is not None:
        raise lane.lease.over
    if fault is not None:
        raise StepFailed(
            f"{lane.target_id}: {fault.message} {fault.advice} What was not sent stays queued.", transient=True
        )
    return tally.counts()


async def _send(lane: Lane, client: EdFiClient, step: str, only: Action | None) -> tuple[Tally, Failure | None]:
    client.admit = lane.lease.admit
    async with client:
        await refuse_moved(lane, client)
        programs, descriptors = Programs(lane, client), Descriptors(lane, client)
        await programs.prepare(step)
        await descriptors.prepare(step)
        with lane.ledger.connect() as connection:
            old = old_documents.due(connection, lane.target_id)
        ledger = OneWriter(lane.writing)
        delivery = Delivery(
            client, lambda row: programs.missing(row) or descriptors.missing(row), ledger.keep_old, old
        )
        sender = _Sender(lane, step, only, ledger, delivery, client.config.underway)
        await sender.run()
        return sender.tally, sender.fault


class _Sender:
    """One claimer, several workers, one settler; a bounded queue between each."""

    def __init__(
        self,
        lane: Lane,
        step: str,
        only: Action | None,
        ledger: OneWriter,
        delivery: Delivery,
        workers: int,
    ) -> None:
        self._lane, self._step, self._only, self._workers = lane, step, only, workers
        self._ledger, self._delivery = ledger, delivery
        self._todo: asyncio.Queue[sa.Row[Any] | None] = asyncio.Queue(maxsize=CLAIM)
        self._done: asyncio.Queue[Result | None] = asyncio.Queue(maxsize=2 * SETTLE)
        self._all_sent = asyncio.Event()
        self._unsent: list[sa.Row[Any]] = []
        self.tally = Tally()
        self.fault: Failure | None = None

    async def run(self) -> None:
        with self._lane.ledger.connect() as connection:
            self._doubts = settling.any_doubt(connection, self._lane.target_id)
        try:
            async with asyncio.TaskGroup() as group:
                answers = group.create_task(self._settle_all())
                async with asyncio.TaskGroup() as sending:
                    sending.create_task(self._claim_all())
                    for _ in range(self._workers):
                        sending.create_task(self._work())
                await self._done.put(None)
                self._all_sent.set()
                await answers
        except ExceptionGroup as group_error:
            raise _first(group_error) from None

    async def _claim_all(self) -> None:
        while self.fault is None:
            page = await self._ledger.write(self._claim)
            if not page:
                break
            for row in page:
                await self._todo.put(row)
        for _ in range(self._workers):
            await self._todo.put(None)

    def _claim(self, connection: sa.Connection) -> Sequence[sa.Row[Any]]:
        lane = self._lane
        return events.claim(connection, lane.target_id, self._step, lane.lease.token, CLAIM, only=self._only)

    async def _work(self) -> None:
        while (row := await self._todo.get()) is not None:
            if self.fault is not None:
                self._unsent.append(row)
                continue
            result = await self._delivery.deliver(row)
            if result.failure is not None and result.failure.systemic:
                self.fault = result.failure
            await self._done.put(result)

    async def _settle_all(self) -> None:
        ended = False
        while not ended:
            answers = [await self._done.get()]
            if self._done.qsize() < SETTLE:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._all_sent.wait(), GATHER)
            while len(answers) < SETTLE and not self._done.empty():
                answers.append(self._done.get_nowait())
            batch = [result for result in answers if result is not None]
            ended = len(batch) < len(answers)
            await self._ledger.write(partial(self._settle, batch=batch, ended=ended))
            for result in batch:
                self.tally.add(result)

    def _settle(self, connection: sa.Connection, batch: list[Result], ended: bool) -> None:
        target_id = self._lane.target_id
        settling.settle(connection, target_id, batch)
        if self._doubts:
            settling.clear_doubt(connection, target_id, batch)
        if settled := [document for result in batch if (document := self._put_right(result))]:
            old_documents.drop(connection, settled)
        if ended:
            events.give_back(connection, self._unsent)

    def _put_right(self, result: Result) -> OldDocument | None:
        """The old document that was due to be put back for the result's key, and is no more."""
        done = result.failure is None or result.restored_id is not None
        return self._delivery.old.pop(str(result.event.key_id), None) if done else None


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    """The first plain error of a group: what the user is shown."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
