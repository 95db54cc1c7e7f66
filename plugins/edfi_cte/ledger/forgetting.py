"""Targets that go: all that the ledger has of one, at a person's word or once it has left the settings."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import (
    attempt,
    event,
    hold,
    lease,
    metadata,
    run,
    target,
)
from edfi_cte.ledger.server_clock import server_now

_WORDS = {
    "edfi_cte_run": "runs",
    "edfi_cte_enrollment_record": "enrollment records",
    "edfi_cte_record_outcome": "outcomes of records",
    "edfi_cte_identity_mapping": "identity mappings (records known to be in the ODS)",
    "edfi_cte_event": "events",
    "edfi_cte_kept_record": "records held, waiting or out of reach",
    "edfi_cte_delete_list": "lists of deletes that wait",
    "edfi_cte_approval": "approvals",
    "edfi_cte_deletion": "deletions that the guard counts",
    "edfi_cte_address_claim": "claims of an ODS's address",
}
_LAST = (hold, lease, target)
"""The row that a run locks goes last."""


class TargetBusy(EdfiCteError):
    """A run works on the target."""

    transient = True


class Holding(NamedTuple):
    """What the ledger has of a target: rows by what they are, and when its last run began, if it had one."""

    rows: dict[str, int]
    last_run: str | None


def known(connection: sa.Connection) -> list[str]:
    """The targets that the ledger has anything of."""
    return sorted(connection.scalars(sa.select(target.c.target_id)))


def holding(connection: sa.Connection, target_id: str) -> Holding:
    """What forgetting the target would take, most telling first."""
    rows = {words: _count(connection, metadata.tables[name], target_id) for name, words in _WORDS.items()}
    last = connection.execute(sa.select(sa.func.max(run.c.started_at)).where(run.c.target_id == target_id)).scalar()
    return Holding({words: n for words, n in rows.items() if n}, f"{last:%Y-%m-%d %H:%M} UTC" if last else None)


def _count(connection: sa.Connection, table: sa.Table, target_id: str) -> int:
    counted = sa.select(sa.func.count()).select_from(table).where(table.c.target_id == target_id)
    return connection.execute(counted).scalar_one()


def forget(ledger: sa.Engine, target_id: str) -> None:
    """Remove every row of the target, in one transaction. Raises TargetBusy while a run has it."""
    with ledger.begin() as connection:
        # The lock that a run takes first: none begins meanwhile.
        connection.execute(sa.update(lease).where(lease.c.target_id == target_id).values(target_id=target_id))
        busy = sa.select(lease.c.owner_name).where(
            lease.c.target_id == target_id, lease.c.owner.is_not(None), lease.c.expires_at > server_now()
        )
        if (owner := connection.execute(busy).scalar()) is not None:
            raise TargetBusy(f"{target_id}: {owner} is at work on it; nothing was removed. Wait for it to end.")
        _remove(connection, target_id)


def _remove(connection: sa.Connection, target_id: str) -> None:
    events = sa.select(event.c.event_id).where(event.c.target_id == target_id)
    for batch in bulk.batches(sorted(connection.scalars(events)), bulk.CHUNK):
        connection.execute(sa.delete(attempt).where(attempt.c.event_id.in_(batch)))
    of_targets = [table for table in metadata.sorted_tables if "target_id" in table.c and table not in _LAST]
    for table in (*of_targets, *_LAST):
        connection.execute(sa.delete(table).where(table.c.target_id == target_id))


def retire(ledger: sa.Engine, configured: Collection[str], days: int) -> list[str]:
    """Forget the targets that are no longer configured and have not run for ``days``; returns their names.

    Another deployment on the same ledger has its own settings: what runs there is not touched.
    """
    before = bulk.now() - timedelta(days=days)
    with ledger.connect() as connection:
        others = set(known(connection)).difference(configured)
        recent = sa.select(run.c.target_id).where(run.c.started_at >= before).distinct()
        others.difference_update(connection.scalars(recent) if others else ())
    retired = []
    for target_id in sorted(others):
        try:
            forget(ledger, target_id)
        except TargetBusy:
            continue
        retired.append(target_id)
    return retired
