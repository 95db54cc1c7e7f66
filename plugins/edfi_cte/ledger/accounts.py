"""The sums that a run is held to, counted by the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.ledger import bulk, streams
from edfi_cte.ledger.events import UNFINISHED, EventStatus
from edfi_cte.ledger.records import Outcome
from edfi_cte.ledger.schema import attempt, event, record_outcome

_PLAN_STEPS = ("upsert", "natural_key_changes")


class Failures(NamedTuple):
    """Events that failed in one way: how many, and what to do."""

    error_type: str
    advice: str
    events: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A run's events: all; sent by action; failed, and of those the ones that post or put; left unsent; planned.

    ``out_of_reach``: the deletes that the ODS refused the key.
    """

    events: int
    sent: dict[str, int]
    failed: int
    failed_writes: int
    left: int
    of_plan: int
    out_of_reach: int


def last_event(connection: sa.Connection, target_id: str) -> int:
    """The newest event of a target: a plan's events come after it."""
    statement = sa.select(sa.func.max(event.c.event_id)).where(event.c.target_id == target_id)
    return connection.execute(statement).scalar() or 0


def answered(connection: sa.Connection, target_id: str, run_id: str, plan_after: int) -> Answered:
    """What became of the events of a run; its last plan was queued after event ``plan_after``.

    A run whose tasks were cleared and run again has made several plans, and sent a part of each.
    """
    of_run = (event.c.target_id == target_id, event.c.run_id == run_id)
    rows = connection.execute(
        sa.select(
            event.c.step,
            event.c.action,
            event.c.status,
            sa.func.count().label("events"),
            sa.func.sum(sa.case((event.c.event_id > plan_after, 1), else_=0)).label("of_plan"),
        )
        .where(*of_run)
        # In no index's order: without statistics SQLite would read all of a target's events along one that fits.
        .group_by(event.c.action, event.c.step, event.c.status)
    ).all()
    # An event that an interrupted try of transform had queued, and the next try replaced, was never part of the plan.
    rows = [row for row in rows if row.status != EventStatus.SUPERSEDED]
    sent: dict[str, int] = {}
    for row in rows:
        if row.status == EventStatus.SENT:
            sent[row.action] = sent.get(row.action, 0) + row.events
    failed = [row for row in rows if row.status == EventStatus.FAILED]
    return Answered(
        events=sum(row.events for row in rows),
        sent=sent,
        failed=sum(row.of_plan for row in failed),
        failed_writes=sum(row.of_plan for row in failed if row.action != Action.DELETE),
        left=sum(row.events for row in rows if row.status in UNFINISHED),
        of_plan=sum(row.of_plan for row in rows if row.step in _PLAN_STEPS),
        out_of_reach=sum(row.of_plan for row in rows if row.status == EventStatus.OUT_OF_REACH),
    )


def touched(connection: sa.Connection, target_id: str, plan_after: int) -> list[str]:
    """The keys that the events after ``plan_after`` are about, in their order."""
    rows = connection.execute(
        sa.select(event.c.key_id, event.c.old_key_id).where(
            event.c.target_id == target_id, event.c.event_id > plan_after
        )
    )
    return sorted({key for row in rows for key in row if key is not None})


def just_written(
    connection: sa.Connection, target_id: str, run_id: str, plan_after: int, key_ids: Sequence[str]
) -> set[str]:
    """Which of these keys a run has written since its last plan: a replica that lags may not show it yet."""
    found: set[str] = set()
    for batch in bulk.batches(key_ids, bulk.CHUNK):
        found.update(
            connection.scalars(
                sa.select(event.c.key_id).where(
                    event.c.target_id == target_id,
                    event.c.run_id == run_id,
                    event.c.event_id > plan_after,
                    event.c.status == EventStatus.SENT,
                    event.c.action != Action.DELETE,
                    event.c.key_id.in_(batch),
                )
            )
        )
    return found


def failures(connection: sa.Connection, target_id: str, run_id: str, plan_after: int) -> list[Failures]:
    """How the events of a run's last plan, and after it, have failed, by the answer to their last try; most first."""
    failed = sa.select(event.c.event_id).where(
        event.c.target_id == target_id,
        event.c.run_id == run_id,
        event.c.event_id > plan_after,
        event.c.status == EventStatus.FAILED,
    )
    tries = sa.select(attempt.c.event_id, attempt.c.attempt_id, attempt.c.error_type, attempt.c.advice)
    last: dict[int, tuple[str, str]] = {}
    for batch in bulk.batches(sorted(connection.scalars(failed)), bulk.CHUNK):
        rows = streams.fetch(connection, tries, attempt.c.event_id, batch, dense=False)
        rows.sort(key=lambda row: int(row.attempt_id))
        last |= {row.event_id: (row.error_type, row.advice) for row in rows}
    events = Counter(error_type for error_type, _ in last.values())
    advice = {error_type: max(said for kind, said in last.values() if kind == error_type) for error_type in events}
    by_number = sorted(events.items(), key=lambda item: (-item[1], item[0]))
    return [Failures(error_type, advice[error_type], number) for error_type, number in by_number]


def desired(connection: sa.Connection, target_id: str) -> int:
    """How many associations are desired."""
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(record_outcome)
        .where(record_outcome.c.target_id == target_id, record_outcome.c.outcome == Outcome.DESIRED)
    ).scalar_one()
