"""Lists by cause: the records of an outcome and the events of the queue, for the pages and ``edfi-cte list`` alike.

Each list is read a page at a time, by key: a page costs the same wherever it is. Rows are newest first for events, by
enrollment id for records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import attempt, enrollment_record, event, kept_record, record_outcome

PAGE = 50
_SCHOOL = (
    enrollment_record.c.school_number,
    enrollment_record.c.school_name,
    enrollment_record.c.calendar_name,
)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A part of a list. ``after`` leads to the next part; ``None`` at the end."""

    rows: list[Row]
    after: int | str | None


@dataclass(frozen=True, slots=True)
class Records:
    """Which records: of an outcome, of a rule or reason, of the code that the reason names."""

    outcome: str | None = None
    reason: str | None = None
    detail: str | None = None
    school: str | None = None


@dataclass(frozen=True, slots=True)
class Events:
    """Which events of the queue. ``plan_after``: those queued after this event id, as a run's last plan was."""

    status: str | None = None
    action: str | None = None
    cause: str | None = None
    step: str | None = None
    run_id: str | None = None
    error_type: str | None = None
    enrollment_id: int | None = None
    plan_after: int = 0


def school_of(row: Any) -> str:
    """A record's school as a person names it; blank where Campus gave none."""
    name = row.school_name or ""
    return f"{name} ({row.school_number})" if name and row.school_number else name or row.school_number or ""


def records(
    connection: sa.Connection, target_id: str, wanted: Records, after: int | None = None, limit: int = PAGE
) -> Page[sa.Row[Any]]:
    """A page of the records of a target that fit, by enrollment id."""
    source, outcome = enrollment_record, record_outcome
    # The ids first, from an index: what else a row holds is its whole document.
    ids = sa.select(outcome.c.enrollment_id).where(*_fits(target_id, wanted))
    if wanted.school is not None:
        ids = ids.join(source, _same_record()).where(_school_is(wanted.school))
    if after is not None:
        ids = ids.where(outcome.c.enrollment_id > after)
    found = connection.scalars(ids.order_by(outcome.c.enrollment_id).limit(limit + 1)).all()
    statement = (
        sa.select(
            outcome.c.enrollment_id,
            outcome.c.outcome,
            outcome.c.reason,
            outcome.c.detail,
            outcome.c.begin_date,
            outcome.c.program_name,
            outcome.c.key_id,
            source.c.student_unique_id,
            source.c.start_date,
            source.c.cte_program_type,
            source.c.cte_program_type_name,
            source.c.career_cluster,
            *_SCHOOL,
        )
        .join(source, _same_record())
        .where(outcome.c.target_id == target_id, outcome.c.enrollment_id.in_(found[:limit]))
        .order_by(outcome.c.enrollment_id)
    )
    return Page(list(connection.execute(statement)), found[limit - 1] if len(found) > limit else None)


def _fits(target_id: str, wanted: Records) -> list[sa.ColumnElement[bool]]:
    table = record_outcome
    fits = [table.c.target_id == target_id]
    for name in ("outcome", "reason", "detail"):
        value = getattr(wanted, name)
        if value is not None:
            fits.append(table.c[name].is_(None) if value == "" else table.c[name] == value)
    return fits


def _same_record() -> sa.ColumnElement[bool]:
    source, outcome = enrollment_record, record_outcome
    return sa.and_(source.c.target_id == outcome.c.target_id, source.c.enrollment_id == outcome.c.enrollment_id)


def _school_is(number: str) -> sa.ColumnElement[bool]:
    column = enrollment_record.c.school_number
    return column.is_(None) if number == "" else column == number


_LISTED = tuple(
    column for column in event.columns if column.name not in ("body", "key_exact", "content_hash", "transformed_with")
)


def events(
    connection: sa.Connection, target_id: str, wanted: Events, after: int | None = None, limit: int = PAGE
) -> Page[sa.Row[Any]]:
    """A page of a target's events that fit, newest first, each with its record's school."""
    ids = sa.select(event.c.event_id).where(*_events_that_fit(target_id, wanted))
    if after is not None:
        ids = ids.where(event.c.event_id < after)
    found = connection.scalars(ids.order_by(event.c.event_id.desc()).limit(limit + 1)).all()
    source = enrollment_record
    same = sa.and_(source.c.target_id == event.c.target_id, source.c.enrollment_id == event.c.enrollment_id)
    statement = (
        sa.select(*_LISTED, *_SCHOOL)
        .select_from(event.outerjoin(source, same))
        .where(event.c.event_id.in_(found[:limit]))
        .order_by(event.c.event_id.desc())
    )
    return Page(list(connection.execute(statement)), found[limit - 1] if len(found) > limit else None)


def _events_that_fit(target_id: str, wanted: Events) -> list[sa.ColumnElement[bool]]:
    fits: list[sa.ColumnElement[bool]] = [event.c.target_id == target_id]
    for name in ("status", "action", "cause", "step", "run_id", "enrollment_id"):
        value = getattr(wanted, name)
        if value is not None:
            fits.append(event.c[name] == value)
    if wanted.plan_after:
        fits.append(event.c.event_id > wanted.plan_after)
    if wanted.error_type is not None:
        tried = attempt.alias("tried")
        newest = sa.select(sa.func.max(tried.c.attempt_id)).where(tried.c.event_id == event.c.event_id)
        last = sa.select(attempt.c.error_type).where(
            attempt.c.attempt_id == newest.correlate(event).scalar_subquery()
        )
        fits.append(last.correlate(event).scalar_subquery() == wanted.error_type)
    return fits


def kept_records(
    connection: sa.Connection, target_id: str, state: str, after: str | None = None, limit: int = PAGE
) -> Page[sa.Row[Any]]:
    """A page of the records that stay in the ODS, or wait to be deleted, by their key; each with its school."""
    table, source = kept_record, enrollment_record
    same = sa.and_(source.c.target_id == table.c.target_id, source.c.enrollment_id == table.c.enrollment_id)
    statement = (
        sa.select(table, *_SCHOOL)
        .select_from(table.outerjoin(source, same))
        .where(table.c.target_id == target_id, table.c.state == state)
    )
    if after is not None:
        statement = statement.where(table.c.key_id > after)
    rows = list(connection.execute(statement.order_by(table.c.key_id).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].key_id if len(rows) > limit else None)


def attempts(connection: sa.Connection, event_ids: Sequence[int]) -> dict[int, list[sa.Row[Any]]]:
    """The failed attempts at these events, oldest first, by event."""
    found: dict[int, list[sa.Row[Any]]] = {}
    for batch in bulk.batches(event_ids, bulk.CHUNK):
        rows = connection.execute(
            sa.select(attempt).where(attempt.c.event_id.in_(batch)).order_by(attempt.c.attempt_id)
        )
        for row in rows:
            found.setdefault(row.event_id, []).append(row)
    return found


def pages(read: Callable[[Any], Page[Row]]) -> Iterator[list[Row]]:
    """Every page of a list. ``read`` is given what the page before it led to."""
    after: int | str | None = None
    while True:
        page = read(after)
        yield page.rows
        if page.after is None:
            return
        after = page.after
