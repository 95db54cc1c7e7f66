"""What was deleted at a target, by time: what the guard counts, whatever the runs were called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import deletion as table


def record(connection: sa.Connection, target_id: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write deletions: run_id, key_id, ods_id, enrollment_id, cause, list_id (the approved list, or ``None``)."""
    common = {"target_id": target_id, "deleted_at": bulk.now()}
    bulk.insert(connection, table, [row | common for row in rows])


def since(connection: sa.Connection, target_id: str, start: datetime) -> int:
    """How many records were deleted since then without a person's word."""
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(table)
        .where(table.c.target_id == target_id, table.c.deleted_at >= start, table.c.list_id.is_(None))
    ).scalar_one()


def gone(connection: sa.Connection, target_id: str, start: datetime, ods_ids: Sequence[str]) -> set[str]:
    """Which of these ODS ids were deleted since then: a replica that lags may still list them."""
    found: set[str] = set()
    for batch in bulk.batches(ods_ids, bulk.CHUNK):
        found.update(
            connection.scalars(
                sa.select(table.c.ods_id).where(
                    table.c.target_id == target_id, table.c.deleted_at >= start, table.c.ods_id.in_(batch)
                )
            )
        )
    return found


def prune(connection: sa.Connection, target_id: str, before: datetime) -> None:
    """Drop what was deleted before then."""
    connection.execute(sa.delete(table).where(table.c.target_id == target_id, table.c.deleted_at < before))
