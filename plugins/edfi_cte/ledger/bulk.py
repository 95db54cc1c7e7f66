"""Bulk statements that are quick on every ledger database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

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


def plain(
    connection: sa.Connection, statement: sa.Select[Any], given: Mapping[str, Any] | None = None
) -> Sequence[tuple[Any, ...]]:
    """The rows as the driver's own tuples, which cost half of SQLAlchemy's: for numbers and text, by the thousand."""
    with connection.execute(statement, given) as result:
        assert result.cursor is not None  # noqa: S101 - a SELECT has one
        return result.cursor.fetchall()


def among(connection: sa.Connection, column: sa.Column[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Whether ``column`` is one of ``values``, by one parameter where the database knows a list as one.

    A statement with a parameter a value costs more to write and to read than to carry out.
    """
    dialect = connection.dialect.name
    return _one_of(dialect, column, sa.bindparam(None, _listed(dialect, values), unique=True))


def among_given(dialect: str, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """The same for a statement that is made once: what :func:`given` makes of the values comes when it is executed.

    To make a statement, and find it among those compiled before, takes some 300 µs; to execute one that is kept, 15.
    """
    return _one_of(dialect, column, sa.bindparam("given"))


def given(connection: sa.Connection, values: Sequence[Any]) -> dict[str, Any]:
    """The values of :func:`among_given`."""
    return {"given": _listed(connection.dialect.name, values)}


def _listed(dialect: str, values: Sequence[Any]) -> Any:
    return json.dumps(values) if dialect == "sqlite" else list(values)


def _one_of(dialect: str, column: sa.Column[Any], listed: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    if dialect == "sqlite":
        return column.in_(sa.select(sa.func.json_each(listed).table_valued("value").c.value))
    if dialect == "postgresql":
        return column == sa.any_(sa.type_coerce(listed, ARRAY(column.type)))
    return column.in_(listed)


def replace(
    connection: sa.Connection, table: sa.Table, target_id: str, key: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write ``rows``, no two of one ``key``, each in the place of the row of the same, if there is one.

    ``target_id`` and ``key`` are the table's primary key.
    """
    if connection.dialect.name == "sqlite":
        _execute_many(connection, table, rows, on_conflict=("target_id", key))
    else:
        # What every database knows, in two round trips a batch.
        remove(connection, table, target_id, key, [row[key] for row in rows])
        insert(connection, table, rows)


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add ``rows``, which all have the same columns, in their order.

    PostgreSQL takes them by COPY, SQL Server as one JSON text and SQLite as the driver's plain tuples, several times
    as fast as by SQLAlchemy's INSERT.
    """
    if connection.dialect.name == "sqlite":
        _execute_many(connection, table, rows)
        return
    for batch in batches(rows, CHUNK):
        if connection.dialect.name == "postgresql":
            _copy(connection, table, batch)
        else:
            _insert_json(connection, table, batch)


def _execute_many(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    on_conflict: tuple[str, ...] = (),
) -> None:
    if not rows:
        return
    columns = list(rows[0])
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    if on_conflict:
        sets = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in on_conflict)
        statement += f" ON CONFLICT ({', '.join(on_conflict)}) DO UPDATE SET {sets}"
    # What SQLAlchemy's types make of a value: times and dates as text, flags as numbers.
    made = [
        (at, process)
        for at, name in enumerate(columns)
        if (process := table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect))
    ]
    values = list(map(itemgetter(*columns), rows))
    connection.exec_driver_sql(statement, [_processed(row, made) for row in values] if made else values)


def _processed(row: tuple[Any, ...], made: Sequence[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    values = list(row)
    for at, process in made:
        values[at] = process(values[at])
    return tuple(values)


def _copy(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = list(rows[0])
    statement, driver = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN", connection.connection.cursor()
    with closing(driver):
        try:
            driver.copy_expert(statement, _CopyText(map(itemgetter(*columns), rows)))
        except connection.dialect.loaded_dbapi.Error as error:
            # As SQLAlchemy does it for the statements that it sends itself.
            raise sa.exc.DBAPIError(statement, None, error, hide_parameters=True) from None


class _CopyText:
    """Rows in COPY's text format (PostgreSQL's page "COPY", File Formats), made as the driver sends them.

    So the server writes the first rows while the next are made here.
    """

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows = iter(rows)

    def read(self, _size: int = -1) -> str:
        """The next rows; nothing after the last. May be more than was asked for, which the driver takes."""
        return "".join(map(_copy_line, islice(self._rows, _ROWS_A_READ)))


_ROWS_A_READ = 50


def _copy_line(row: tuple[Any, ...]) -> str:
    texts = ["\\N" if value is None else value if type(value) is str else str(value) for value in row]
    line = "\t".join(texts)
    # To count a line's signs is many times as quick as to look at each value, and what has to be escaped is rare.
    plain = line.count("\t") == len(texts) - 1 and line.count("\\") == row.count(None)
    if not plain or "\n" in line or "\r" in line:
        line = "\t".join("\\N" if value is None else str(value).translate(_COPY_ESCAPES) for value in row)
    return line + "\n"


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
    statement = _removal(connection.dialect.name, table, key)
    for batch in batches(values, CHUNK):
        connection.execute(statement, {"target": target_id, **given(connection, batch)})


@cache
def _removal(dialect: str, table: sa.Table, key: str) -> sa.Delete:
    return sa.delete(table).where(table.c.target_id == sa.bindparam("target"), among_given(dialect, table.c[key]))
