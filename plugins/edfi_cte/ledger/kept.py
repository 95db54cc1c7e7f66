"""Records that stay in the ODS although nothing desires them as they are there: held, waiting, or out of reach.

A pass (a plan, or a resync's reading) writes what it sees batch by batch, then sweeps what it saw no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.decide import Decision, Worth
from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import identity_mapping, row_dict
from edfi_cte.ledger.schema import kept_record as table


class FoundBy(StrEnum):
    """Which pass sees a record: each sweeps its own."""

    PLAN = "plan"
    RESYNC = "resync"


class KeptAs(NamedTuple):
    """In which way a record is kept."""

    state: str
    action: str
    cause: str
    reason: str


class KeptCount(NamedTuple):
    """How many records are kept in one way."""

    state: str
    action: str
    cause: str
    reason: str
    records: int


def kept_as(decision: Decision) -> KeptAs:
    """In which way a decision keeps a record."""
    return KeptAs(decision.worth, decision.action, decision.cause, decision.reason or decision.cause)


def row(
    decision: Decision,
    key_id: str,
    *,
    enrollment_id: int | None,
    ods_id: str | None,
    first_contact: bool = False,
    refused_at: datetime | None = None,
) -> dict[str, Any]:
    """The columns of a record that a decision keeps."""
    return {
        "key_id": key_id,
        **kept_as(decision)._asdict(),
        "enrollment_id": enrollment_id,
        "ods_id": ods_id,
        "first_contact": first_contact,
        "refused_at": refused_at,
    }


def keep(
    connection: sa.Connection,
    target_id: str,
    run_id: str,
    found_by: FoundBy,
    seen_at: datetime,
    rows: Sequence[dict[str, Any]],
) -> None:
    """Write kept records (see :func:`row`); one kept in the same state for the same reason before keeps its date."""
    unique = {new["key_id"]: new for new in rows}
    before = {old.key_id: old for old in of_keys(connection, target_id, list(unique))}
    for new in unique.values():
        old = before.get(new["key_id"])
        same = old is not None and (old.state, old.reason) == (new["state"], new["reason"])
        new |= {"target_id": target_id, "run_id": run_id, "found_by": found_by, "seen_at": seen_at}
        new["since"] = old.since if old is not None and same else seen_at
        if old is not None:
            new["first_contact"] = new["first_contact"] or old.first_contact
            new["refused_at"] = new["refused_at"] or (old.refused_at if same else None)
    bulk.replace(connection, table, target_id, "key_id", list(unique.values()))


def sweep(connection: sa.Connection, target_id: str, found_by: FoundBy, seen_at: datetime) -> None:
    """Drop what a pass that began at ``seen_at`` has not seen again."""
    connection.execute(
        sa.delete(table).where(
            table.c.target_id == target_id, table.c.found_by == found_by, table.c.seen_at < seen_at
        )
    )


def strangers(connection: sa.Connection, target_id: str) -> list[str]:
    """The keys of the kept records that nothing in Campus stood behind when the ODS was read."""
    return list(
        connection.scalars(
            sa.select(table.c.key_id).where(
                table.c.target_id == target_id,
                table.c.found_by == FoundBy.RESYNC,
                table.c.state != Worth.OUT_OF_REACH,
            )
        )
    )


def drop(connection: sa.Connection, target_id: str, key_ids: Sequence[str]) -> None:
    """Drop what was deleted, or is no longer there."""
    bulk.remove(connection, table, target_id, "key_id", key_ids)


def forget(connection: sa.Connection, target_id: str) -> None:
    """Drop all of a target: it was of another ODS."""
    connection.execute(sa.delete(table).where(table.c.target_id == target_id))


def in_reach(connection: sa.Connection, target_id: str, key_ids: Iterable[str]) -> None:
    """The ODS shows these again: the next plan may ask for their delete anew."""
    for batch in bulk.batches(key_ids, bulk.CHUNK):
        connection.execute(
            sa.update(table)
            .where(table.c.target_id == target_id, table.c.key_id.in_(batch), table.c.refused_at.is_not(None))
            .values(refused_at=None)
        )


def of_keys(connection: sa.Connection, target_id: str, key_ids: Sequence[str]) -> list[sa.Row[Any]]:
    """What is kept of these keys."""
    found: list[sa.Row[Any]] = []
    for batch in bulk.batches(key_ids, bulk.CHUNK):
        found += connection.execute(
            sa.select(table).where(table.c.target_id == target_id, table.c.key_id.in_(batch))
        ).all()
    return found


def hidden(connection: sa.Connection, target_id: str) -> set[str]:
    """The ODS ids of the mapped records that the ODS does not show."""
    same = sa.and_(identity_mapping.c.target_id == table.c.target_id, identity_mapping.c.key_id == table.c.key_id)
    statement = sa.select(identity_mapping.c.ods_id).join(table, same)
    return set(
        connection.scalars(statement.where(table.c.target_id == target_id, table.c.state == Worth.OUT_OF_REACH))
    )


def listing(connection: sa.Connection, target_id: str) -> list[dict[str, Any]]:
    """Every kept record of a target, by state and reason, oldest first."""
    statement = sa.select(table).where(table.c.target_id == target_id)
    rows = connection.execute(statement.order_by(table.c.state, table.c.reason, table.c.since, table.c.key_id))
    return [row_dict(found) for found in rows]


def counts(connection: sa.Connection, target_id: str) -> list[KeptCount]:
    """How many records are kept, by state, action, cause and reason; most first."""
    by = (table.c.state, table.c.action, table.c.cause, table.c.reason)
    rows = connection.execute(
        sa.select(*by, sa.func.count().label("records"))
        .where(table.c.target_id == target_id)
        .group_by(*by)
        .order_by(sa.func.count().desc(), *by)
    )
    return [KeptCount(*found) for found in rows]


def states(connection: sa.Connection) -> dict[str, dict[str, int]]:
    """How many records of each target are kept in each state."""
    rows = connection.execute(
        sa.select(table.c.target_id, table.c.state, sa.func.count()).group_by(table.c.target_id, table.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for target_id, state, records in rows:
        found.setdefault(target_id, {})[state] = records
    return found


def waiting_for(connection: sa.Connection, target_id: str, reason: str) -> frozenset[tuple[str, str]]:
    """Action and cause of what waits for this reason."""
    rows = connection.execute(
        sa.select(table.c.action, table.c.cause)
        .where(table.c.target_id == target_id, table.c.state == Worth.WAITING, table.c.reason == reason)
        .distinct()
    )
    return frozenset((row.action, row.cause) for row in rows)


def refused_since(connection: sa.Connection, target_id: str, since: datetime) -> set[str]:
    """The keys whose delete the ODS has refused since then."""
    return set(
        connection.scalars(
            sa.select(table.c.key_id).where(table.c.target_id == target_id, table.c.refused_at >= since)
        )
    )
