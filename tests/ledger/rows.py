"""Rows of the ledger, one at a time: what a test does not give is empty, or small where it must not be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

TARGET = "039141-2026"
OTHER = "050001-2026"
AT = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - as the ledger keeps times


def add(connection: sa.Connection, table: sa.Table, **columns: Any) -> None:
    """A row of the table."""
    needed = [c for c in table.c if not c.nullable and not (c.primary_key and c.autoincrement is True)]
    connection.execute(sa.insert(table).values({c.name: _small(c) for c in needed} | columns))


def add_each(connection: sa.Connection, table: sa.Table, base: dict[str, Any], others: Iterable[Any]) -> None:
    """``base``, which a statement finds, and rows that differ from it in what each of ``others`` says."""
    for columns in ({}, *others):
        add(connection, table, **(base | columns))


def _small(column: sa.Column[Any]) -> Any:
    if column.name == "target_id":
        return TARGET
    if column.name in ("counts", "parameters", "properties"):
        return "{}"
    return {str: "-", int: 0, bool: False, datetime: AT}[column.type.python_type]
