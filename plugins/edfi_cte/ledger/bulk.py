"""Bulk statements that are quick on every ledger database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
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


def plain(connection: sa.Connection, statement: sa.Select[Any]) -> Sequence[tuple[Any, ...]]:
    """The rows as the driver's own tuples, which cost half of SQLAlchemy's: for numbers and text, by the thousand."""
    with connection.execute(statement) as result:
        assert result.cursor is not None  # noqa: S101 - a SELECT has one
        return result.cursor.fetchall()


def replace(
    connection: sa.Connection, table: sa.Table, target_id: str, key: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write ``rows``, each in the place of the row of the same ``key``, if there is one.

    A delete and an insert: an upsert that every database knows, in two round trips a batch.
    """
    remove(connection, table, target_id, key, [row[key] for row in rows])
    insert(connection, table, rows)


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add ``rows``, which all have the same columns, in their order.

    PostgreSQL takes them by COPY and SQL Server as one JSON text, several times as fast as by SQLAlchemy's INSERT.
    """
    for batch in batches(rows, CHUNK):
        if connection.dialect.name == "postgresql":
            _copy(connection, table, batch)
        elif connection.dialect.name == "mssql":
            _insert_json(connection, table, batch)
        else:
            connection.execute(sa.insert(table), batch)


def _copy(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = list(rows[0])
    lines = ("\t".join(_copy_text(row[name]) for name in columns) for row in rows)
    statement, driver = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN", connection.connection.cursor()
    with closing(driver):
        try:
            driver.copy_expert(statement, StringIO("\n".join(lines)))
        except connection.dialect.loaded_dbapi.Error as error:
            # As SQLAlchemy does it for the statements that it sends itself.
            raise sa.exc.DBAPIError(statement, None, error, hide_parameters=True) from None


def _copy_text(value: Any) -> str:
    """A value in COPY's text format (PostgreSQL's page "COPY", File Formats)."""
    if value is None:
        return "\\N"
    text = value if isinstance(value, str) else str(value)
    # Looking is many times as quick as translating, and what has to be escaped is rare.
    return text if text.isprintable() and "\\" not in text else text.translate(_COPY_ESCAPES)


_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _insert_json(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows by one statement with one parameter.

    As parameters of their own, times would lose their microseconds to pymssql, and text a newline that follows a
    backslash to T-SQL.
    """
    columns = list(rows[0])
    values = [[*(row[name] for name in columns), number] for number, row in enumerate(rows)]
    statement = sa.text(_json_insert(table, columns, connection.dialect))
    connection.execute(statement, {"rows": json.dumps(values, default=str)})


def _json_insert(table: sa.Table, columns: Sequence[str], dialect: sa.Dialect) -> str:
    names = ", ".join(columns)
    declared = (f"{name} {_json_type(table.c[name], dialect)} '$[{at}]'" for at, name in enumerate(columns))
    # Identity columns are numbered in the order of the rows, as by single inserts.
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM OPENJSON(:rows) "
        f"WITH ({', '.join(declared)}, place int '$[{len(columns)}]') ORDER BY place"
    )


def _json_type(column: sa.Column[Any], dialect: sa.Dialect) -> str:
    """The type to read a column's values as; text whole, so that the table refuses what is too long for it."""
    return "nvarchar(max)" if isinstance(column.type, sa.String) else column.type.compile(dialect)


def remove(connection: sa.Connection, table: sa.Table, target_id: str, key: str, values: Sequence[Any]) -> None:
    """Delete the target's rows whose ``key`` is one of ``values``."""
    for batch in batches(values, CHUNK):
        connection.execute(sa.delete(table).where(table.c.target_id == target_id, table.c[key].in_(batch)))
