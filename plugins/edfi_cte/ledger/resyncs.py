"""What the last clean resync of each target has left for the next, which may read only what has changed since."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.associations.decide import Worth
from edfi_cte.ledger.events import EventStatus
from edfi_cte.ledger.kept import FoundBy
from edfi_cte.ledger.schema import event, kept_record
from edfi_cte.ledger.schema import resync as table


def last(connection: sa.Connection, target_id: str) -> sa.Row[Any] | None:
    """What a target's last clean resync has left, if there was one."""
    return connection.execute(sa.select(table).where(table.c.target_id == target_id)).first()


def save(connection: sa.Connection, target_id: str, **values: Any) -> None:
    """Keep what a clean resync leaves: every column of the table but the target's."""
    connection.execute(sa.delete(table).where(table.c.target_id == target_id))
    connection.execute(sa.insert(table).values(target_id=target_id, **values))


def anything_open(connection: sa.Connection, target_id: str, run_id: str) -> bool:
    """Whether a run has left a record in the ODS other than it should be, so that it must be found again.

    Posts aside: what they failed to send is not there.
    """
    unsent = (EventStatus.FAILED, EventStatus.PENDING, EventStatus.SENDING)
    statement = sa.select(event.c.event_id).where(
        event.c.target_id == target_id,
        event.c.run_id == run_id,
        event.c.status.in_(unsent),
        event.c.action != Action.POST,
    )
    return connection.execute(statement.limit(1)).first() is not None


def any_stranger(connection: sa.Connection, target_id: str) -> bool:
    """Whether the ODS has records of ours that nothing stands behind, and that wait or are held."""
    statement = sa.select(kept_record.c.key_id).where(
        kept_record.c.target_id == target_id,
        kept_record.c.found_by == FoundBy.RESYNC,
        kept_record.c.state != Worth.OUT_OF_REACH,
    )
    return connection.execute(statement.limit(1)).first() is not None
