"""Look-ups for whoever asks about one record: the command line today, a page tomorrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger.schema import attempt, enrollment_record, identity_mapping, record_outcome
from edfi_cte.ledger.schema import event as event_table


def record(connection: sa.Connection, target_id: str, enrollment_id: int) -> sa.Row[Any] | None:
    """What became of the enrollment record as last read; all null if it is not transformed yet."""
    source, outcome = enrollment_record, record_outcome
    same = sa.and_(outcome.c.target_id == source.c.target_id, outcome.c.enrollment_id == source.c.enrollment_id)
    return connection.execute(
        sa.select(outcome)
        .select_from(source.outerjoin(outcome, same))
        .where(source.c.target_id == target_id, source.c.enrollment_id == enrollment_id)
    ).first()


def source(connection: sa.Connection, target_id: str, enrollment_id: int) -> sa.Row[Any] | None:
    """The enrollment record as last read from Campus."""
    table = enrollment_record
    return connection.execute(
        sa.select(table).where(table.c.target_id == target_id, table.c.enrollment_id == enrollment_id)
    ).first()


def mappings_of(
    connection: sa.Connection, target_id: str, enrollment_id: int, key_id: str | None
) -> Sequence[sa.Row[Any]]:
    """What an enrollment has in the ODS: under its own key first, then what it left there under others."""
    table = identity_mapping
    rows = connection.execute(
        sa.select(table).where(table.c.target_id == target_id, table.c.enrollment_id == enrollment_id)
    ).all()
    own = mapping(connection, target_id, key_id) if key_id else None
    return [*([own] if own else []), *(row for row in rows if row.key_id != key_id)]


def last_sent_body(connection: sa.Connection, target_id: str, mapped: sa.Row[Any]) -> str | None:
    """The document of a mapping as it was sent, while the ledger still has its event."""
    table = event_table
    return connection.execute(
        sa.select(table.c.body)
        .where(
            table.c.target_id == target_id,
            table.c.enrollment_id == mapped.enrollment_id,
            table.c.key_id == mapped.key_id,
            table.c.payload_hash == mapped.payload_hash,
            table.c.status == "sent",
            table.c.body.is_not(None),
        )
        .order_by(table.c.event_id.desc())
        .limit(1)
    ).scalar()


def mapping(connection: sa.Connection, target_id: str, key_id: str) -> sa.Row[Any] | None:
    """The identity mapping of a natural key."""
    return connection.execute(
        sa.select(identity_mapping).where(
            identity_mapping.c.target_id == target_id, identity_mapping.c.key_id == key_id
        )
    ).first()


def desired_enrollment(connection: sa.Connection, target_id: str, key_id: str) -> int | None:
    """The enrollment that is sent for a natural key."""
    return connection.execute(
        sa.select(record_outcome.c.enrollment_id).where(
            record_outcome.c.target_id == target_id,
            record_outcome.c.key_id == key_id,
            record_outcome.c.outcome == "desired",
        )
    ).scalar()


def knows_enrollment(connection: sa.Connection, target_id: str, enrollment_id: int) -> bool:
    """Whether the ledger has anything of an enrollment."""
    return any(
        connection.execute(
            sa.select(sa.literal(1))
            .where(table.c.target_id == target_id, table.c.enrollment_id == enrollment_id)
            .limit(1)
        ).first()
        for table in (enrollment_record, identity_mapping, event_table)
    )


def enrollments_of_ods_id(connection: sa.Connection, target_id: str, ods_id: str) -> list[int]:
    """The enrollments that stand, or stood, behind an ODS record."""
    rows = connection.execute(
        sa.union(
            *(
                sa.select(table.c.enrollment_id).where(
                    table.c.target_id == target_id, table.c.ods_id == ods_id, table.c.enrollment_id.is_not(None)
                )
                for table in (identity_mapping, event_table)
            )
        )
    )
    return [row.enrollment_id for row in rows]


def events(
    connection: sa.Connection, target_id: str, enrollment_ids: Sequence[int], ods_id: str
) -> Iterator[tuple[sa.Row[Any], Sequence[sa.Row[Any]]]]:
    """The events of these enrollments, or of an ODS id, oldest first, each with its failed attempts."""
    rows = connection.execute(
        sa.select(event_table)
        .where(
            event_table.c.target_id == target_id,
            sa.or_(event_table.c.enrollment_id.in_(enrollment_ids), event_table.c.ods_id == ods_id),
        )
        .order_by(event_table.c.event_id)
    ).all()
    for row in rows:
        attempts = connection.execute(
            sa.select(attempt).where(attempt.c.event_id == row.event_id).order_by(attempt.c.attempt_id)
        ).all()
        yield row, attempts
