"""A ledger full of everything: for each target rows in every table, of every state, equal but for the target."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger.events import EventStatus
from edfi_cte.ledger.schema import attempt, event, metadata, token

OLD = datetime(2020, 1, 1)  # noqa: DTZ001 - as the ledger keeps times
STEPS = ("upsert", "natural_key_changes", "resync_identity_mapping", "resync_ods")
ACTIONS = ("Post", "Put", "Delete", "Delete/Post")
WITHOUT_TARGET = {attempt.name, token.name}


def fill(connection: sa.Connection, target_id: str, number: int = 0, also: Sequence[int] = ()) -> None:
    """Rows of the target in every table that has one. ``number``: where only the address may differ."""
    for table in metadata.sorted_tables:
        if table.name in WITHOUT_TARGET:
            continue
        for row in _rows(table, target_id, number, also):
            there = connection.execute(
                sa.select(sa.func.count()).select_from(table).where(*_same_key(table, row))
            ).scalar_one()
            if not there:
                connection.execute(sa.insert(table).values(row))
    ids = connection.scalars(sa.select(event.c.event_id).where(event.c.target_id == target_id)).all()
    for event_id in ids:
        values = {"event_id": event_id, "at": OLD, "error_type": "timeout", "message": "-", "advice": "-"}
        connection.execute(sa.insert(attempt).values(values))


def _same_key(table: sa.Table, row: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    keys = [column for column in table.primary_key if column.name in row]
    return [column == row[column.name] for column in keys] or [sa.false()]


def _rows(table: sa.Table, target_id: str, number: int, also: Sequence[int]) -> Iterator[dict[str, Any]]:
    if table is event:
        states = list(itertools.product(EventStatus, (False, True), (False, True), ACTIONS))
        for place, (status, doubt, old_doubt, action) in [*enumerate(states), *((n, states[n % 96]) for n in also)]:
            yield _row(table, target_id, place) | {
                "status": status,
                "in_doubt": doubt,
                "old_in_doubt": old_doubt,
                "action": action,
                "step": STEPS[place % 4],
                "attempts": 1,
            }
        return
    for place in (*range(3), *also):
        row = _row(table, target_id, place)
        if table.name == "edfi_cte_address_claim":
            row |= {"address_id": f"{number:032}"}
        yield row


def _row(table: sa.Table, target_id: str, place: int) -> dict[str, Any]:
    """Values by the columns' types: small, and the same for every target."""
    row = {
        column.name: _value(column, place)
        for column in table.c
        if not (column.primary_key and column.autoincrement is True)
    }
    return row | {"target_id": target_id}


_WORDS = {
    "outcome": ("desired", "rejected", "superseded"),
    "state": ("held", "waiting", "out_of_reach"),
    "found_by": ("resync", "plan", "resync"),
    "reason": ("career_cluster_unmapped",) * 3,
    "cause": ("no_source", "new_record", "career_cluster_blank"),
}
"""What a column may say, where the functions that read it want one of these."""


def _value(column: sa.Column[Any], place: int) -> Any:
    if column.name in _WORDS:
        return _WORDS[column.name][place % 3]
    if column.name in ("counts", "parameters", "properties"):
        return "{}"
    if column.name == "body":
        return '{"beginDate": "2025-08-20"}'
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return bool(place % 2)
    if isinstance(kind, sa.DateTime):
        return OLD
    if isinstance(kind, sa.Date):
        return date(2025, 8, 20)
    if isinstance(kind, sa.Integer):
        return place + 1
    length = getattr(kind, "length", None) or 32
    return f"{place:032}" if length >= 32 else f"{place}"


def of_others(ledger: sa.Engine, target_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that is not the target's."""
    found = {}
    with ledger.connect() as connection:
        own = set(connection.scalars(sa.select(event.c.event_id).where(event.c.target_id == target_id)))
        for table in metadata.sorted_tables:
            rows = connection.execute(sa.select(table)).all()
            if table is attempt:
                kept = [row for row in rows if row.event_id not in own]
            elif "target_id" in table.c:
                kept = [row for row in rows if row.target_id != target_id]
            else:
                kept = list(rows)
            found[table.name] = sorted((tuple(row) for row in kept), key=repr)
    return found
