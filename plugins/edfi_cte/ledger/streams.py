"""Ordered reading: a table's rows by key, a page at a time, and two tables passing each other by key.

What a planner makes of a join hangs on statistics that may be missing or old. These statements read one table in the
order of one of its indexes, so that there is nothing to get wrong, and each page has a connection of its own: none
idles in a transaction while another system works.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger import bulk

PAGE = 5000
"""Rows of a page of keys and digests."""
FETCH = 1000
"""Whole rows that are fetched at once; SQL Server takes 2,100 parameters a statement."""

Plain = tuple[Any, ...]
_key = itemgetter(0)


@contextmanager
def reading(ledger: sa.Engine) -> Iterator[sa.Connection]:
    """A connection to read rows in the order of an index.

    PostgreSQL, where it takes a target of thousands for one of two rows, would gather all of them and sort for each
    page anew.
    """
    with ledger.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        yield connection


def pages(ledger: sa.Engine, statement: sa.Select[Any], after: str | int) -> Iterator[Sequence[Plain]]:
    """The statement's rows in the order of its first column, which is unique, from after ``after`` on."""
    paged = _paged(statement)
    while True:
        with reading(ledger) as connection:
            rows = bulk.plain(connection, paged, {"after": after})
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


def windows(
    ledger: sa.Engine, left: sa.Select[Any], right: sa.Select[Any], after: str | int
) -> Iterator[tuple[Sequence[Plain], Sequence[Plain]]]:
    """The rows of two statements side by side: each pair of lists holds all rows of one range of the first column.

    The column is of the same kind in both, and sorted alike by the database and by Python: numbers, or hex digests.
    """
    paged = _paged(left), _paged(right)
    at: str | int | None = after
    while at is not None:
        with reading(ledger) as connection:
            ours, theirs = (bulk.plain(connection, statement, {"after": at}) for statement in paged)
        # Of a full page more may follow: beyond the first one's end nothing is known of the other.
        at = min((page[-1][0] for page in (ours, theirs) if len(page) >= PAGE), default=None)
        if at is not None:
            ours, theirs = _until(ours, at), _until(theirs, at)
        yield ours, theirs


def _paged(statement: sa.Select[Any]) -> sa.Select[Any]:
    """A page of the statement's rows, from after the parameter ``after`` on: made once for all pages."""
    key = statement.selected_columns[0]
    return statement.where(key > sa.bindparam("after")).order_by(key).limit(PAGE)


def _until(rows: Sequence[Plain], end: str | int) -> Sequence[Plain]:
    return rows[: bisect_right(rows, end, key=_key)]


def fetch(
    connection: sa.Connection,
    statement: sa.Select[Any],
    column: sa.Column[Any],
    values: Sequence[Any],
    *,
    dense: bool,
) -> list[sa.Row[Any]]:
    """The rows whose ``column`` is one of ``values``, which ascend; where ``dense``, perhaps others between them.

    The range bounds what is read even by a plan that looks for the single values in vain. SQLite seeks each value
    for itself; given the range as well, it would read all of it.
    """
    wanted: list[sa.ColumnElement[bool]] = []
    if dense or connection.dialect.name != "sqlite":
        wanted += [column >= values[0], column <= values[-1]]
    if not dense:
        wanted.append(bulk.among(connection, column, values))
    return list(connection.execute(statement.where(*wanted).order_by(column)).all())
