"""Bulk statements that are quick on every ledger database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

CHUNK = 1000
"""Values in one IN list: SQL Server takes 2,100 parameters a statement."""


def now() -> datetime:
    """The time as the ledger keeps it: UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """``items`` in lists of at most ``size``."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def replace(
    connection: sa.Connection, table: sa.Table, target_id: str, key: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write ``rows``, each in the place of the row of the same ``key``, if there is one.

    A delete and a multi-row insert: an upsert that every database knows, in two round trips a batch.
    """
    remove(connection, table, target_id, key, [row[key] for row in rows])
    for batch in batches(rows, CHUNK):
        connection.execute(sa.insert(table), batch)


def remove(connection: sa.Connection, table: sa.Table, target_id: str, key: str, values: Sequence[Any]) -> None:
    """Delete the target's rows whose ``key`` is one of ``values``."""
    for batch in batches(values, CHUNK):
        connection.execute(sa.delete(table).where(table.c.target_id == target_id, table.c[key].in_(batch)))
