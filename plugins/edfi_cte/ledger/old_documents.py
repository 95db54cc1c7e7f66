"""Documents that a Delete/Post of one key takes away: kept until a new one is accepted, or they are put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.ledger import bulk
from edfi_cte.ledger.events import LEFT_BEHIND, UNFINISHED, update
from edfi_cte.ledger.schema import event, record_outcome

_COLUMNS = (
    *("event_id", "key_id", "key_exact", "enrollment_id", "student_unique_id", "begin_date", "transformed_with"),
    *("cte_program_type", "status", "in_doubt", "old_in_doubt", "old_body"),
)


class OldDocument(NamedTuple):
    """A document's JSON text, and the events that keep it."""

    body: str
    event_ids: tuple[int, ...]


def keep(connection: sa.Connection, bodies: Mapping[int, str]) -> None:
    """Keep the documents that events, by their id, are about to delete, until their keys are settled."""
    these = sa.update(event).where(event.c.event_id == sa.bindparam("id")).values(old_body=sa.bindparam("old"))
    connection.execute(these, [{"id": event_id, "old": body} for event_id, body in bodies.items()])


def due(connection: sa.Connection, target_id: str) -> dict[str, OldDocument]:
    """By key, the documents that a Delete/Post has deleted, and that were neither replaced nor put back so far."""
    found: dict[str, OldDocument] = {}
    for row in _kept(connection, target_id):
        _, earlier = found.get(row.key_id, ("", ()))
        found[row.key_id] = OldDocument(row.old_body, (*earlier, row.event_id))
    return found


def of_rejected(connection: sa.Connection, target_id: str) -> dict[str, sa.Row[Any]]:
    """By key, the events of those documents whose record is rejected by now, so that no event of its own is due."""
    rows = {row.key_id: row for row in _kept(connection, target_id)}
    rejected: set[int] = set()
    for batch in bulk.batches(sorted({row.enrollment_id for row in rows.values()}), bulk.CHUNK):
        of_batch = (record_outcome.c.target_id == target_id, record_outcome.c.enrollment_id.in_(batch))
        rejected |= set(
            connection.scalars(
                sa.select(record_outcome.c.enrollment_id).where(*of_batch, record_outcome.c.outcome == "rejected")
            )
        )
    return {key: row for key, row in rows.items() if row.enrollment_id in rejected}


def enrollments(connection: sa.Connection, target_id: str) -> list[int]:
    """The enrollments of those documents, as far as they may be missing in the ODS now."""
    missing = [
        row for row in _kept(connection, target_id) if row.status in LEFT_BEHIND or row.in_doubt or row.old_in_doubt
    ]
    return sorted({row.enrollment_id for row in missing})


def _kept(connection: sa.Connection, target_id: str) -> Sequence[sa.Row[Any]]:
    kept = (event.c.target_id == target_id, event.c.status.in_((*UNFINISHED, *LEFT_BEHIND)))
    statement = sa.select(*(event.c[name] for name in _COLUMNS)).where(*kept, event.c.old_body.is_not(None))
    # Sorted here: for the order's sake SQLite would read all of a target's events, what was sent as well.
    return sorted(connection.execute(statement), key=lambda row: int(row.event_id))


def drop(connection: sa.Connection, documents: Sequence[OldDocument]) -> None:
    """Their keys are settled: none of them is due to be put back."""
    update(connection, [event_id for document in documents for event_id in document.event_ids], old_body=None)
