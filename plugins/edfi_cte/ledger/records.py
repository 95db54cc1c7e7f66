"""The enrollment records of a target as last read from Campus, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.model import EnrollmentRecord, ExclusionRule
from edfi_cte.ledger import bulk, streams
from edfi_cte.ledger.schema import enrollment_record, record_outcome

PAGE = 2000
_BEFORE_ALL = -(2**62)


class Outcome(StrEnum):
    """What became of an extracted record (invariant 4)."""

    DESIRED = "desired"
    EXCLUDED = "excluded"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class Rejection(NamedTuple):
    """Of a rejected record: its student, start date and CTE Program Type, and the reason."""

    student_unique_id: str | None
    start_date: date | None
    cte_program_type: str | None
    reason: str


_SOURCE = tuple(EnrollmentRecord.__dataclass_fields__)
_values = attrgetter(*_SOURCE)
_EXCLUDED_BY = _SOURCE.index("excluded_by")


def as_record(row: sa.Row[Any]) -> EnrollmentRecord:
    """The source row that a ledger row keeps."""
    values = list(_values(row))
    if values[_EXCLUDED_BY]:
        values[_EXCLUDED_BY] = ExclusionRule(values[_EXCLUDED_BY])
    return EnrollmentRecord(*values)


def hashes(ledger: sa.Engine, target_id: str) -> Iterator[Sequence[tuple[int, str]]]:
    """(enrollment id, source hash) of every record, by ascending id, a page at a time."""
    table = enrollment_record
    statement = sa.select(table.c.enrollment_id, table.c.source_hash).where(table.c.target_id == target_id)
    return streams.pages(ledger, statement, _BEFORE_ALL)


def write_source(
    connection: sa.Connection,
    target_id: str,
    records: Sequence[tuple[EnrollmentRecord, str]],
    replaced: Sequence[int],
) -> None:
    """Write new or changed source rows, each with its hash; what becomes of them is open until transformed.

    ``replaced``: the enrollment ids among them that the ledger has already.
    """
    remove(connection, target_id, replaced)
    rows = [
        dict(zip(_SOURCE, _values(record), strict=True), target_id=target_id, source_hash=source_hash)
        for record, source_hash in records
    ]
    bulk.insert(connection, enrollment_record, rows)


def remove(connection: sa.Connection, target_id: str, enrollment_ids: Sequence[int]) -> None:
    """Drop records, and what became of them."""
    for table in (enrollment_record, record_outcome):
        bulk.remove(connection, table, target_id, "enrollment_id", enrollment_ids)


def untransformed(
    ledger: sa.Engine, target_id: str, fingerprint: str | None
) -> Iterator[tuple[Sequence[sa.Row[Any]], set[int]]]:
    """Pages of the records that have no outcome yet, or one made with other preferences than ``fingerprint``'s.

    With ``None`` the preferences are not looked at. With each page come the ids of those that have an outcome.
    """
    record, outcome = enrollment_record.c, record_outcome.c
    known = sa.select(record.enrollment_id).where(record.target_id == target_id)
    made = sa.select(outcome.enrollment_id).where(outcome.target_id == target_id)
    if fingerprint is not None:
        # As the last two columns, so that those made alike are told by one comparison.
        known = known.add_columns(sa.literal(fingerprint))
        made = made.add_columns(outcome.transformed_with)
    open_: list[int] = []
    replaced: set[int] = set()
    passed = 0
    for ours, theirs in streams.windows(ledger, known, made, _BEFORE_ALL):
        passed += len(ours)
        if ours != theirs:
            found = sorted(row[0] for row in set(ours).difference(theirs))
            replaced.update({row[0] for row in theirs}.intersection(found))
            open_ += found
        # Few may be open in many windows: they are read, and written by the caller, together.
        if len(open_) >= PAGE:
            yield from _whole(ledger, target_id, open_, replaced, dense=2 * len(open_) > passed)
            open_, replaced, passed = [], set(), 0
    yield from _whole(ledger, target_id, open_, replaced, dense=2 * len(open_) > passed)


def _whole(
    ledger: sa.Engine, target_id: str, enrollment_ids: Sequence[int], replaced: set[int], *, dense: bool
) -> Iterator[tuple[Sequence[sa.Row[Any]], set[int]]]:
    """Pages of the records of these ids, each with those of them that are ``replaced``."""
    record = enrollment_record.c.enrollment_id
    statement = sa.select(enrollment_record).where(enrollment_record.c.target_id == target_id)
    for ids in bulk.batches(enrollment_ids, PAGE):
        wanted = set(ids)
        with streams.reading(ledger) as connection:
            rows = [
                row
                for batch in bulk.batches(ids, bulk.CHUNK)
                for row in streams.fetch(connection, statement, record, batch, dense=dense)
                if row.enrollment_id in wanted
            ]
        yield rows, wanted & replaced


def write_outcomes(
    connection: sa.Connection, target_id: str, outcomes: Iterable[dict[str, Any]], replaced: Sequence[int]
) -> None:
    """Write what became of records: the columns of the table, blank where not given.

    ``replaced``: the enrollment ids among them that have an outcome already.
    """
    rows = [_BLANK | columns | {"target_id": target_id} for columns in outcomes]
    _date_rejections(connection, target_id, [row for row in rows if row["outcome"] == Outcome.REJECTED])
    bulk.remove(connection, record_outcome, target_id, "enrollment_id", replaced)
    bulk.insert(connection, record_outcome, rows)


def _date_rejections(connection: sa.Connection, target_id: str, rows: Sequence[dict[str, Any]]) -> None:
    """A record that was rejected for the same reason and code before keeps its date."""
    table, now = record_outcome, bulk.now()
    before: dict[tuple[int, str | None, str | None], Any] = {}
    for batch in bulk.batches((row["enrollment_id"] for row in rows), bulk.CHUNK):
        old = connection.execute(
            sa.select(table.c.enrollment_id, table.c.reason, table.c.detail, table.c.since).where(
                table.c.target_id == target_id, table.c.enrollment_id.in_(batch), table.c.since.is_not(None)
            )
        ).all()
        before |= {(row.enrollment_id, row.reason, row.detail): row.since for row in old}
    for row in rows:
        row["since"] = before.get((row["enrollment_id"], str(row["reason"]), row["detail"]), now)


_BLANK: dict[str, Any] = dict.fromkeys(column.name for column in record_outcome.columns)


class Rival(NamedTuple):
    """A record whose key others bear or bore."""

    key_id: str
    enrollment_id: int
    service_type: str | None
    outcome: str


def contested(connection: sa.Connection, target_id: str) -> list[Rival]:
    """The desired and superseded records whose key several records bear or bore, by key."""
    outcome, source = record_outcome.c, enrollment_record.c
    of_key = (outcome.target_id == target_id, outcome.outcome == Outcome.DESIRED)
    shared = sa.select(outcome.key_id).where(*of_key).group_by(outcome.key_id).having(sa.func.count() > 1)
    lost = sa.select(outcome.key_id).where(outcome.target_id == target_id, outcome.outcome == Outcome.SUPERSEDED)
    keys = sorted({*connection.scalars(shared), *connection.scalars(lost)})
    bearing = sa.select(outcome.key_id, outcome.enrollment_id, outcome.outcome).where(outcome.target_id == target_id)
    found: list[sa.Row[Any]] = []
    for batch in bulk.batches(keys, bulk.CHUNK):
        for one in (Outcome.DESIRED, Outcome.SUPERSEDED):
            of_outcome = bearing.where(outcome.outcome == one)
            found += streams.fetch(connection, of_outcome, outcome.key_id, batch, dense=False)
    types = sa.select(source.enrollment_id, source.service_type).where(source.target_id == target_id)
    service_types: dict[int, str | None] = {}
    for ids in bulk.batches(sorted(row.enrollment_id for row in found), bulk.CHUNK):
        service_types |= {
            row[0]: row[1] for row in streams.fetch(connection, types, source.enrollment_id, ids, dense=False)
        }
    return [
        Rival(row.key_id, row.enrollment_id, service_types[row.enrollment_id], row.outcome)
        for row in sorted(found, key=lambda row: (row.key_id, row.enrollment_id))
        if row.enrollment_id in service_types
    ]


def set_outcome(connection: sa.Connection, target_id: str, outcome: Outcome, enrollment_ids: Sequence[int]) -> None:
    """Set the outcome of single records."""
    table = record_outcome
    for batch in bulk.batches(enrollment_ids, bulk.CHUNK):
        connection.execute(
            sa.update(table)
            .where(table.c.target_id == target_id, table.c.enrollment_id.in_(batch))
            .values(outcome=outcome)
        )


def outcome_counts(connection: sa.Connection, target_id: str) -> dict[tuple[str, str | None], int]:
    """Records by outcome and reason. Most are desired, which the index counts, and have none."""
    table = record_outcome
    with_reason = table.c.outcome.in_((Outcome.EXCLUDED, Outcome.REJECTED))
    of_target = sa.select(table.c.outcome, sa.func.count()).where(table.c.target_id == target_id)
    # .all(): pymssql forgets a result that is not read before the next statement.
    plain = connection.execute(of_target.where(sa.not_(with_reason)).group_by(table.c.outcome)).all()
    reasoned = connection.execute(
        of_target.add_columns(table.c.reason).where(with_reason).group_by(table.c.outcome, table.c.reason)
    ).all()
    return {(outcome, None): count for outcome, count in plain} | {
        (outcome, reason): count for outcome, count, reason in reasoned
    }


def desired(connection: sa.Connection, target_id: str, key_ids: Sequence[str]) -> list[sa.Row[Any]]:
    """The outcomes that desire these keys."""
    table = record_outcome
    found: list[sa.Row[Any]] = []
    for batch in bulk.batches(key_ids, bulk.CHUNK):
        found += connection.execute(
            sa.select(table).where(
                table.c.target_id == target_id, table.c.outcome == Outcome.DESIRED, table.c.key_id.in_(batch)
            )
        )
    return found


def desired_keys(connection: sa.Connection, target_id: str, key_ids: Sequence[str]) -> set[str]:
    """Which of these keys are desired."""
    return {row.key_id for row in desired(connection, target_id, key_ids)}


def rejected(connection: sa.Connection, target_id: str) -> list[Rejection]:
    """The rejected records of a target."""
    source, outcome = enrollment_record.c, record_outcome.c
    of_target = (outcome.target_id == target_id, outcome.outcome == Outcome.REJECTED)
    rejections = connection.execute(sa.select(outcome.enrollment_id, outcome.reason).where(*of_target))
    reasons = {int(row.enrollment_id): str(row.reason) for row in rejections}
    statement = sa.select(
        source.enrollment_id, source.student_unique_id, source.start_date, source.cte_program_type
    ).where(source.target_id == target_id)
    return [
        Rejection(row.student_unique_id, row.start_date, row.cte_program_type, reasons[row.enrollment_id])
        for ids in bulk.batches(sorted(reasons), bulk.CHUNK)
        for row in streams.fetch(connection, statement, source.enrollment_id, ids, dense=False)
    ]


def any_record(connection: sa.Connection, target_id: str) -> bool:
    """Whether Campus gave any candidate at all."""
    table = enrollment_record
    statement = sa.select(table.c.enrollment_id).where(table.c.target_id == target_id).limit(1)
    return connection.execute(statement).first() is not None
