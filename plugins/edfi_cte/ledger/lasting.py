"""Differences between what was sent and what the ODS holds that a Put does not remove, by property."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import difference as table

Properties = dict[str, str]
"""A digest of the value in the ODS, by property name."""


class Difference(NamedTuple):
    """``remembered``: a Put has left it so; else a Put is to be tried."""

    properties: Properties
    remembered: bool


def of_target(connection: sa.Connection, target_id: str) -> dict[str, Difference]:
    """Every known difference, by key: few, or those of an ODS that fills in a property of its own."""
    rows = connection.execute(
        sa.select(table.c.key_id, table.c.properties, table.c.remembered).where(table.c.target_id == target_id)
    )
    return {row.key_id: Difference(json.loads(row.properties), row.remembered) for row in rows}


def save(connection: sa.Connection, target_id: str, found: Mapping[str, Properties], *, remembered: bool) -> None:
    """Keep what differs, by key."""
    now = bulk.now()
    rows: list[dict[str, Any]] = [
        {
            "target_id": target_id,
            "key_id": key_id,
            "properties": json.dumps(properties, sort_keys=True),
            "remembered": remembered,
            "seen_at": now,
            "since": now,
        }
        for key_id, properties in found.items()
    ]
    bulk.replace(connection, table, target_id, "key_id", rows)


def forget(connection: sa.Connection, target_id: str, key_ids: Sequence[str]) -> None:
    """These are as they were sent."""
    bulk.remove(connection, table, target_id, "key_id", key_ids)


def forget_all(connection: sa.Connection, target_id: str) -> None:
    """They were of another ODS."""
    connection.execute(sa.delete(table).where(table.c.target_id == target_id))


def by_property(connection: sa.Connection, target_id: str) -> dict[str, int]:
    """How many records differ lastingly in each property."""
    known = of_target(connection, target_id).values()
    return dict(Counter(name for found in known if found.remembered for name in found.properties))
