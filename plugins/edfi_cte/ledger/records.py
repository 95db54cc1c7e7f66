"""The enrollment records of a target as last read from Campus, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.model import EnrollmentRecord, ExclusionRule
from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import enrollment_record, record_outcome

PAGE = 2000


class Outcome(StrEnum):
    """What became of an extracted record (invariant 4)."""

    DESIRED = "desired"
    EXCLUDED = "excluded"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


_SOURCE = tuple(EnrollmentRecord.__dataclass_fields__)
_values = attrgetter(*_SOURCE)
_EXCLUDED_BY = _SOURCE.index("excluded_by")


def as_record(row: sa.Row[Any]) -> EnrollmentRecord:
    """The source row that a ledger row keeps."""
    values = list(_values(row))
    if values[_EXCLUDED_BY]:
        values[_EXCLUDED_BY] = ExclusionRule(values[_EXCLUDED_BY])
    return EnrollmentRecord(*values)


def hashes(connection: sa.Connection, target_id: str) -> Iterator[Sequence[tuple[int, str]]]:
    """(enrollment id, source hash) of every record, by ascending id, a page at a time."""
    table, after = enrollment_record, -(2**62)
    while True:
        statement = (
            sa.select(table.c.enrollment_id, table.c.source_hash)
            .where(table.c.target_id == target_id, table.c.enrollment_id > after)
            .order_by(table.c.enrollment_id)
            .limit(5 * PAGE)
        )
        rows = bulk.plain(connection, statement)
        # Ends the read transaction, so that writes between two pages meet no lock of ours.
        connection.rollback()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


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


def untransformed(connection: sa.Connection, target_id: str, fingerprint: str | None) -> Iterator[list[sa.Row[Any]]]:
    """Pages of the records that have no outcome yet, or one made with other preferences than ``fingerprint``'s.

    With ``None`` the preferences are not looked at. The column ``outcome`` says what was made of a record before.
    """
    record, outcome = enrollment_record, record_outcome
    same = sa.and_(outcome.c.target_id == record.c.target_id, outcome.c.enrollment_id == record.c.enrollment_id)
    open_ = outcome.c.enrollment_id.is_(None)
    wanted = open_ if fingerprint is None else sa.or_(open_, outcome.c.transformed_with != fingerprint)
    statement = (
        sa.select(record, outcome.c.outcome if fingerprint else sa.null().label("outcome"))
        .select_from(record.outerjoin(outcome, same))
        .where(record.c.target_id == target_id, wanted)
        .order_by(record.c.enrollment_id)
        .limit(PAGE)
    )
    after = -(2**62)
    while True:
        rows = list(connection.execute(statement.where(record.c.enrollment_id > after)))
        connection.rollback()
        if not rows:
            return
        yield rows
        after = rows[-1].enrollment_id


def write_outcomes(
    connection: sa.Connection, target_id: str, outcomes: Iterable[dict[str, Any]], replaced: Sequence[int]
) -> None:
    """Write what became of records: the columns of the table, blank where not given.

    ``replaced``: the enrollment ids among them that have an outcome already.
    """
    bulk.remove(connection, record_outcome, target_id, "enrollment_id", replaced)
    bulk.insert(connection, record_outcome, [_BLANK | columns | {"target_id": target_id} for columns in outcomes])


_BLANK: dict[str, Any] = dict.fromkeys(column.name for column in record_outcome.columns)


def contested(connection: sa.Connection, target_id: str) -> list[sa.Row[Any]]:
    """The desired and superseded records whose key several records bear or bore, by key."""
    table = record_outcome
    rivals, losers = table.alias("rivals"), table.alias("losers")
    shared = sa.union(
        sa.select(rivals.c.key_id)
        .where(rivals.c.target_id == target_id, rivals.c.outcome == Outcome.DESIRED)
        .group_by(rivals.c.key_id)
        .having(sa.func.count() > 1),
        sa.select(losers.c.key_id).where(losers.c.target_id == target_id, losers.c.outcome == Outcome.SUPERSEDED),
    )
    source = enrollment_record
    statement = (
        sa.select(table.c.key_id, table.c.enrollment_id, source.c.service_type, table.c.outcome)
        .join(
            source,
            sa.and_(source.c.target_id == table.c.target_id, source.c.enrollment_id == table.c.enrollment_id),
        )
        .where(
            table.c.target_id == target_id,
            table.c.outcome.in_((Outcome.DESIRED, Outcome.SUPERSEDED)),
            table.c.key_id.in_(shared),
        )
        .order_by(table.c.key_id)
    )
    return list(connection.execute(statement))


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


def any_record(connection: sa.Connection, target_id: str) -> bool:
    """Whether Campus gave any candidate at all."""
    table = enrollment_record
    statement = sa.select(table.c.enrollment_id).where(table.c.target_id == target_id).limit(1)
    return connection.execute(statement).first() is not None
