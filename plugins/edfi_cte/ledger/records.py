"""The enrollment records of a target as last read from Campus, each with what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.model import EnrollmentRecord, ExclusionRule, digest
from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import enrollment_record as table
from edfi_cte.ledger.schema import row_dict

PAGE = 2000


class Outcome(StrEnum):
    """What became of an extracted record (invariant 4)."""

    DESIRED = "desired"
    EXCLUDED = "excluded"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


_SOURCE = tuple(EnrollmentRecord.__dataclass_fields__)
_values = attrgetter(*_SOURCE)


def source_hash(record: EnrollmentRecord) -> str:
    """A digest that changes when anything of the source row does."""
    return digest(repr(_values(record)))


def as_record(row: sa.Row[Any]) -> EnrollmentRecord:
    """The source row that a ledger row keeps."""
    *values, excluded_by = _values(row)
    return EnrollmentRecord(*(*values, ExclusionRule(excluded_by) if excluded_by else None))


def hashes(connection: sa.Connection, target_id: str) -> Iterator[tuple[int, str]]:
    """(enrollment id, source hash) of every record, by ascending id, a page at a time."""
    after = -(2**62)
    while True:
        rows = (
            connection.execute(
                sa.select(table.c.enrollment_id, table.c.source_hash)
                .where(table.c.target_id == target_id, table.c.enrollment_id > after)
                .order_by(table.c.enrollment_id)
                .limit(5 * PAGE)
            )
            .tuples()
            .all()
        )
        # Ends the read transaction, so that writes between two pages meet no lock of ours.
        connection.rollback()
        if not rows:
            return
        yield from rows
        after = rows[-1].enrollment_id


def write_source(connection: sa.Connection, target_id: str, records: Sequence[tuple[EnrollmentRecord, str]]) -> None:
    """Write new or changed source rows; what became of them is open until :func:`write_outcomes`."""
    rows = [
        {**_EMPTY, **dict(zip(_SOURCE, _values(record), strict=True)), "target_id": target_id, "source_hash": hash_}
        for record, hash_ in records
    ]
    bulk.replace(connection, table, target_id, "enrollment_id", rows)


_EMPTY: dict[str, Any] = dict.fromkeys(
    (
        "outcome",
        "reason",
        "detail",
        "transformed_with",
        "key_id",
        "key_exact",
        "program_name",
        "payload_hash",
        "content_hash",
        "body",
    )
)


def remove(connection: sa.Connection, target_id: str, enrollment_ids: Sequence[int]) -> None:
    """Drop the records that are gone from Campus."""
    bulk.remove(connection, table, target_id, "enrollment_id", enrollment_ids)


def untransformed(connection: sa.Connection, target_id: str, fingerprint: str) -> Iterator[list[sa.Row[Any]]]:
    """Pages of the records that are new, changed, or made with other preferences than ``fingerprint``'s."""
    after = -(2**62)
    while True:
        rows = list(
            connection.execute(
                sa.select(table)
                .where(
                    table.c.target_id == target_id,
                    table.c.enrollment_id > after,
                    sa.or_(table.c.transformed_with.is_(None), table.c.transformed_with != fingerprint),
                )
                .order_by(table.c.enrollment_id)
                .limit(PAGE)
            )
        )
        connection.rollback()
        if not rows:
            return
        yield rows
        after = rows[-1].enrollment_id


def write_outcomes(
    connection: sa.Connection, target_id: str, outcomes: Sequence[tuple[sa.Row[Any], dict[str, Any]]]
) -> None:
    """Write what became of records: each row with the columns to set."""
    rows = [row_dict(row) | _EMPTY | columns for row, columns in outcomes]
    bulk.replace(connection, table, target_id, "enrollment_id", rows)


def contested(connection: sa.Connection, target_id: str) -> list[sa.Row[Any]]:
    """The desired and superseded records whose key several records bear or bore, by key."""
    rivals, losers = table.alias("rivals"), table.alias("losers")
    shared = sa.union(
        sa.select(rivals.c.key_id)
        .where(rivals.c.target_id == target_id, rivals.c.outcome == Outcome.DESIRED)
        .group_by(rivals.c.key_id)
        .having(sa.func.count() > 1),
        sa.select(losers.c.key_id).where(losers.c.target_id == target_id, losers.c.outcome == Outcome.SUPERSEDED),
    )
    statement = (
        sa.select(table.c.key_id, table.c.enrollment_id, table.c.service_type, table.c.outcome)
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
    for batch in bulk.batches(enrollment_ids, bulk.CHUNK):
        connection.execute(
            sa.update(table)
            .where(table.c.target_id == target_id, table.c.enrollment_id.in_(batch))
            .values(outcome=outcome)
        )


def outcome_counts(connection: sa.Connection, target_id: str) -> dict[tuple[str, str | None], int]:
    """Records by outcome and reason. Most are desired, which the index counts, and have none."""
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
    """The desired records of these keys."""
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
    statement = sa.select(table.c.enrollment_id).where(table.c.target_id == target_id).limit(1)
    return connection.execute(statement).first() is not None
