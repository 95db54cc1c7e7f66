"""What is wrong now, grouped: Campus errors (rejected records) and Ed-Fi errors (events that the ODS refused)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger import bulk, listing, streams
from edfi_cte.ledger.events import EventStatus
from edfi_cte.ledger.records import Outcome
from edfi_cte.ledger.schema import enrollment_record, event, record_outcome

EXAMPLES = 5
_MANY = 20_000
"""More failing events than this are no list that a person mends one by one: the ODS was down."""


@dataclass(slots=True)
class Group:
    """Errors of one kind: a reason or error type, the code at fault, and a school. ``examples``: enrollment ids."""

    reason: str
    detail: str
    school_number: str
    school: str
    records: int = 0
    since: datetime | None = None
    advice: str = ""
    message: str = ""
    http_status: int | None = None
    examples: list[int] = field(default_factory=list)


def campus_errors(connection: sa.Connection, target_id: str) -> list[Group]:
    """The rejected records by reason, code and school, most first."""
    source, outcome = enrollment_record, record_outcome
    same = sa.and_(source.c.target_id == outcome.c.target_id, source.c.enrollment_id == outcome.c.enrollment_id)
    whole = sa.select(
        outcome.c.enrollment_id,
        outcome.c.reason,
        outcome.c.detail,
        outcome.c.since,
        source.c.school_number,
        source.c.school_name,
    ).join(source, same)
    rejected = (outcome.c.target_id == target_id, outcome.c.outcome == Outcome.REJECTED)
    # Their ids first, from an index: for the order's sake SQLite would look at every outcome of the target.
    ids = sorted(connection.scalars(sa.select(outcome.c.enrollment_id).where(*rejected)))
    groups: dict[tuple[str, ...], Group] = {}
    for batch in bulk.batches(ids, bulk.CHUNK):
        for row in streams.fetch(connection, whole.where(*rejected), outcome.c.enrollment_id, batch, dense=False):
            group = _add(groups, row, row.reason or "", row.detail or "")
            if row.since is not None:
                group.since = min(group.since or row.since, row.since)
    return _most_first(groups)


def _add(groups: dict[tuple[str, ...], Group], row: Any, reason: str, detail: str) -> Group:
    number, school = row.school_number or "", listing.school_of(row)
    key = (reason, detail, number)
    group = groups.setdefault(key, Group(reason, detail, number, school))
    group.records += 1
    if len(group.examples) < EXAMPLES and row.enrollment_id is not None:
        group.examples.append(row.enrollment_id)
    return group


def _most_first(groups: dict[tuple[str, ...], Group]) -> list[Group]:
    return sorted(
        groups.values(), key=lambda group: (-group.records, group.reason, group.detail, group.school_number)
    )


def edfi_errors(connection: sa.Connection, target_id: str, run_id: str, plan_after: int) -> list[Group]:
    """The events that failed in a run's last plan, by the type of the last answer, HTTP status and school.

    ``since``: when the oldest of them was first tried in vain, with no success in between.
    """
    failed = _failed(connection, target_id, run_id, plan_after)
    answers = _last_attempts(connection, [row.event_id for row in failed])
    since = _failing_since(connection, target_id, {row.enrollment_id for row in failed} - {None})
    groups: dict[tuple[str, ...], Group] = {}
    for row in failed:
        answer = answers.get(row.event_id)
        status = str(row.http_status or "no answer")
        group = _add(groups, row, answer.error_type if answer else "unknown", status)
        group.http_status = row.http_status
        if answer:
            group.advice, group.message = answer.advice, group.message or answer.message
        began = min(since.get(row.enrollment_id, row.queued_at), row.queued_at)
        group.since = min(group.since or began, began)
    return _most_first(groups)


def examples(connection: sa.Connection, target_id: str, run_id: str, plan_after: int) -> dict[str, list[int]]:
    """The first enrollment ids of each rejection reason, and of each error type of a run's last plan."""
    found: dict[str, list[int]] = {}
    for group in (*campus_errors(connection, target_id), *edfi_errors(connection, target_id, run_id, plan_after)):
        ids = found.setdefault(group.reason, [])
        ids += group.examples
    return {reason: sorted(ids)[:EXAMPLES] for reason, ids in found.items() if ids}


def _failed(connection: sa.Connection, target_id: str, run_id: str, plan_after: int) -> Sequence[sa.Row[Any]]:
    source = enrollment_record
    same = sa.and_(source.c.target_id == event.c.target_id, source.c.enrollment_id == event.c.enrollment_id)
    return connection.execute(
        sa.select(
            event.c.event_id,
            event.c.enrollment_id,
            event.c.http_status,
            event.c.queued_at,
            source.c.school_number,
            source.c.school_name,
        )
        .select_from(event.outerjoin(source, same))
        .where(
            event.c.target_id == target_id,
            event.c.run_id == run_id,
            event.c.status == EventStatus.FAILED,
            event.c.event_id > plan_after,
        )
        .order_by(event.c.event_id)
        .limit(_MANY)
    ).all()


def _last_attempts(connection: sa.Connection, event_ids: Sequence[int]) -> dict[int, Any]:
    return {number: rows[-1] for number, rows in listing.attempts(connection, event_ids).items()}


def _failing_since(connection: sa.Connection, target_id: str, enrollment_ids: set[int]) -> dict[int, datetime]:
    """When the first of an enrollment's failed events was queued that no success followed."""
    of_target = (event.c.target_id == target_id, event.c.status.in_((EventStatus.FAILED, EventStatus.SENT)))
    tried = sa.select(event.c.enrollment_id, event.c.event_id, event.c.status, event.c.queued_at).where(*of_target)
    since: dict[int, datetime] = {}
    for batch in bulk.batches(sorted(enrollment_ids), bulk.CHUNK):
        rows = streams.fetch(connection, tried, event.c.enrollment_id, batch, dense=False)
        for row in sorted(rows, key=lambda row: int(row.event_id)):
            if row.status == EventStatus.SENT:
                since.pop(row.enrollment_id, None)
            else:
                since[row.enrollment_id] = min(since.get(row.enrollment_id, row.queued_at), row.queued_at)
    return since
