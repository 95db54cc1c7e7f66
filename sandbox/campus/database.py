"""Writes the sample as a DuckDB database, or as a T-SQL script."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import duckdb

from sandbox.campus.calendars import fixed_tables
from sandbox.campus.cases import case_tables
from sandbox.campus.population import Population
from sandbox.campus.programs import program_tables
from sandbox.campus.schema import SCHEMA, TABLES, Row, Table, Tables

Dialect = Literal["duckdb", "tsql"]

_DUCKDB_TYPES = {"bit": "boolean", "smalldatetime": "timestamp"}
_NULL = "\\N"
_ROWS_AN_INSERT = 1000
"""SQL Server's limit for one VALUES list."""


def sample_tables(seed: int = 2026) -> Tables:
    """Every row of the sample, by table; equal for equal seeds."""
    tables: Tables = {table.name: [] for table in SCHEMA}
    for part in (fixed_tables(), Population(seed).generate(), case_tables(), program_tables()):
        for name, rows in part.items():
            tables[name] += rows
    return tables


def build(path: Path | str, seed: int = 2026) -> None:
    """Create the sample Campus as a DuckDB file, in place of an earlier one."""
    Path(path).unlink(missing_ok=True)
    load(path, sample_tables(seed))


def load(path: Path | str, tables: Tables) -> None:
    """Create a Campus of the given rows as a DuckDB file; a table that is not given is empty."""
    with duckdb.connect(str(path)) as connection:
        fill(connection, tables)


def fill(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """The same in an open, empty database."""
    connection.execute("; ".join(["CREATE SCHEMA dbo", *(create_table(table, "duckdb") for table in SCHEMA)]))
    with TemporaryDirectory() as folder:
        for table in SCHEMA:
            rows = tables.get(table.name, [])
            if len(rows) > _ROWS_AN_INSERT:
                _copy(connection, table, rows, Path(folder) / f"{table.name}.csv")
            elif rows:
                connection.execute(insert(table.name, rows, "duckdb"))


def _copy(connection: duckdb.DuckDBPyConnection, table: Table, rows: list[Row], file: Path) -> None:
    """By way of a CSV file: ten times as fast as INSERT."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_MINIMAL)
        writer.writerows([_NULL if row.get(c) is None else row[c] for c in table.columns] for row in rows)
    connection.execute(
        f"COPY dbo.{quoted(table.name)} FROM '{file}' (HEADER false, DELIMITER ',', NULLSTR '{_NULL}', QUOTE '\"')"
    )


def tsql_script(tables: Tables) -> Iterator[str]:
    """The statements that create the tables and their rows in an empty SQL Server database, in order."""
    yield "SET QUOTED_IDENTIFIER ON"  # sqlcmd has it off: names in double quotes would be strings
    yield "SET NOCOUNT ON"
    for table in SCHEMA:
        yield create_table(table, "tsql")
        rows = tables.get(table.name, [])
        for start in range(0, len(rows), _ROWS_AN_INSERT):
            yield insert(table.name, rows[start : start + _ROWS_AN_INSERT], "tsql")


def create_table(table: Table, dialect: Dialect) -> str:
    """CREATE TABLE of one table."""
    columns = []
    for number, (name, kind) in enumerate(table.columns.items()):
        known = _DUCKDB_TYPES.get(kind, kind) if dialect == "duckdb" else kind
        columns.append(f"    {quoted(name)} {known} {'NOT NULL PRIMARY KEY' if number == 0 else 'NULL'}")
    return f"CREATE TABLE dbo.{quoted(table.name)} (\n" + ",\n".join(columns) + "\n)"


def insert(table: str, rows: Iterable[Row], dialect: Dialect) -> str:
    """One INSERT of up to 1,000 rows."""
    columns = TABLES[table].columns
    values = ",\n".join("(" + ", ".join(literal(row.get(name), dialect) for name in columns) + ")" for row in rows)
    return f"INSERT INTO dbo.{quoted(table)} ({', '.join(map(quoted, columns))}) VALUES\n{values}"


def quoted(name: str) -> str:
    """An identifier of the schema; both engines take double quotes."""
    return f'"{name}"'


def literal(value: Any, dialect: Dialect) -> str:
    """A value as SQL text."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper() if dialect == "duckdb" else str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime.combine(value, datetime.min.time())
        return f"'{moment:%Y-%m-%dT%H:%M:%S}'"
    text = str(value).replace("'", "''")
    return f"'{text}'" if dialect == "duckdb" or text.isascii() else f"N'{text}'"
