"""Lists of deletes that a person may say yes to, and who did.

A list's id is made of what is on it, so it stays the same from run to run while nothing changes. A person's word is
for a list, not a mode: it reaches one target, the deletes that were on the list, and one run.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import approval as approval_table
from edfi_cte.ledger.schema import delete_list as table
from edfi_cte.ledger.schema import delete_list_item as item_table
from edfi_cte.ledger.schema import kept_record

ApprovedDeletes = dict[str, tuple[str, str]]
"""Action and cause by key."""


class DeleteList(NamedTuple):
    """A list: its id, what it lists (``waiting`` or ``held``), how many records, when a run last saw it so."""

    list_id: str
    state: str
    records: int
    seen_at: datetime
    run_id: str


_LIST = (table.c.list_id, table.c.state, table.c.records, table.c.seen_at, table.c.run_id)


def make(connection: sa.Connection, target_id: str, run_id: str, state: str) -> DeleteList | None:
    """The list of all deletes that are in this state now, kept so that it can be approved; ``None`` if none is."""
    list_id, records = _list_id(connection, target_id, state)
    if not records:
        return None
    now = bulk.now()
    this = (table.c.target_id == target_id, table.c.list_id == list_id)
    seen = connection.execute(sa.update(table).where(*this).values(seen_at=now, run_id=run_id))
    if not seen.rowcount:
        connection.execute(
            sa.insert(table).values(
                target_id=target_id,
                list_id=list_id,
                state=state,
                records=records,
                made_at=now,
                seen_at=now,
                run_id=run_id,
            )
        )
        columns = ("key_id", "action", "cause")
        connection.execute(
            sa.insert(item_table).from_select(
                ("target_id", "list_id", *columns),
                sa.select(
                    kept_record.c.target_id,
                    sa.literal(list_id, sa.Unicode(80)),
                    *(kept_record.c[name] for name in columns),
                ).where(*_kept(target_id, state)),
            )
        )
    return DeleteList(list_id, state, records, now, run_id)


def _list_id(connection: sa.Connection, target_id: str, state: str) -> tuple[str, int]:
    rows = connection.execute(
        sa.select(kept_record.c.key_id, kept_record.c.action, kept_record.c.cause)
        .where(*_kept(target_id, state))
        .order_by(kept_record.c.key_id)
    )
    whole, records = hashlib.blake2b(state.encode(), digest_size=5), 0
    for item in rows:
        whole.update("\n".join(item).encode())
        records += 1
    return f"{target_id}:{whole.hexdigest()}", records


def _kept(target_id: str, state: str) -> tuple[sa.ColumnElement[bool], ...]:
    return kept_record.c.target_id == target_id, kept_record.c.state == state


def listed(approve: str | None) -> list[str]:
    """The ids of lists that a text names, separated by blanks or commas."""
    return [list_id for list_id in re.split(r"[\s,;]+", approve or "") if list_id]


def target_of(list_id: str) -> str:
    """The target that a list is of."""
    return list_id.partition(":")[0]


def get(connection: sa.Connection, target_id: str, list_id: str) -> DeleteList | None:
    """A list by its id."""
    row = connection.execute(
        sa.select(*_LIST).where(table.c.target_id == target_id, table.c.list_id == list_id)
    ).first()
    return DeleteList(*row) if row else None


def newest(connection: sa.Connection, target_id: str) -> list[DeleteList]:
    """What may be approved as things are: the newest list of each state that still has a record in it."""
    found: dict[str, DeleteList] = {}
    for row in connection.execute(sa.select(*_LIST).where(table.c.target_id == target_id).order_by(table.c.seen_at)):
        found[row.state] = DeleteList(*row)
    return [
        made
        for made in found.values()
        if connection.execute(sa.select(kept_record.c.key_id).where(*_kept(target_id, made.state)).limit(1)).first()
    ]


def approve(connection: sa.Connection, target_id: str, list_id: str, run_id: str, approved_by: str | None) -> None:
    """Record who said yes to a list, and in which run; a retry records nothing anew."""
    this = (approval_table.c.target_id == target_id, approval_table.c.run_id == run_id)
    known = connection.scalars(sa.select(approval_table.c.list_id).where(*this)).all()
    if list_id not in known:
        connection.execute(
            sa.insert(approval_table).values(
                target_id=target_id,
                list_id=list_id,
                run_id=run_id,
                approved_by=approved_by[:250] if approved_by else None,  # Airflow's names may be twice as long
                approved_at=bulk.now(),
            )
        )


def approvals(connection: sa.Connection, target_id: str) -> list[sa.Row[Any]]:
    """Who approved what, when, in which run; newest first."""
    return list(
        connection.execute(
            sa.select(approval_table)
            .where(approval_table.c.target_id == target_id)
            .order_by(approval_table.c.approval_id.desc())
        )
    )


def deletes_on(connection: sa.Connection, target_id: str, list_id: str) -> ApprovedDeletes:
    """What is on a list."""
    rows = connection.execute(
        sa.select(item_table.c.key_id, item_table.c.action, item_table.c.cause).where(
            item_table.c.target_id == target_id, item_table.c.list_id == list_id
        )
    )
    return {row.key_id: (row.action, row.cause) for row in rows}


def prune(connection: sa.Connection, target_id: str, before: datetime) -> None:
    """Drop the lists that no run has seen since; who approved what stays."""
    old = sa.select(table.c.list_id).where(table.c.target_id == target_id, table.c.seen_at < before)
    connection.execute(
        sa.delete(item_table).where(item_table.c.target_id == target_id, item_table.c.list_id.in_(old))
    )
    connection.execute(sa.delete(table).where(table.c.target_id == target_id, table.c.seen_at < before))
