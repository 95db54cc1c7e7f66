"""Documents that a Delete/Post of one key takes away: kept until a new one is accepted, or they are put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger import bulk
from edfi_cte.ledger.events import LEFT_BEHIND, UNFINISHED, update
from edfi_cte.ledger.schema import event


def keep(connection: sa.Connection, event_id: int, body: str) -> None:
    """Keep the document that a Delete/Post of one key is about to delete, until the key is settled."""
    update(connection, [event_id], old_body=body)


def due(connection: sa.Connection, target_id: str) -> dict[str, str]:
    """By key, the documents that a Delete/Post has deleted, and that were neither replaced nor put back so far."""
    return {row.key_id: row.old_body for row in _kept(connection, target_id)}


def enrollments(connection: sa.Connection, target_id: str) -> list[int]:
    """The enrollments of those documents, as far as they may be missing in the ODS now."""
    missing = [
        row for row in _kept(connection, target_id) if row.status in LEFT_BEHIND or row.in_doubt or row.old_in_doubt
    ]
    return sorted({row.enrollment_id for row in missing})


def _kept(connection: sa.Connection, target_id: str) -> Sequence[sa.Row[Any]]:
    names = ("key_id", "enrollment_id", "status", "in_doubt", "old_in_doubt", "old_body")
    kept = (event.c.target_id == target_id, event.c.status.in_((*UNFINISHED, *LEFT_BEHIND)))
    statement = (
        sa.select(*(event.c[name] for name in names))
        .where(*kept, event.c.old_body.is_not(None))
        .order_by(event.c.event_id)
    )
    return connection.execute(statement).all()


def drop(connection: sa.Connection, target_id: str, key_ids: Sequence[str]) -> None:
    """These keys are settled: nothing of them is due to be put back."""
    for batch in bulk.batches(key_ids, bulk.CHUNK):
        due = (event.c.target_id == target_id, event.c.key_id.in_(batch), event.c.old_body.is_not(None))
        connection.execute(sa.update(event).where(*due).values(old_body=None))
