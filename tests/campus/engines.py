"""The databases that the Campus tests run on: DuckDB, PostgreSQL, and SQL Server where EDFI_CTE_MSSQL_* names one.

Variables: EDFI_CTE_MSSQL_HOST, _PORT (1433), _USER, _PASSWORD, _DATABASE. The database must be a scratch one with
"test" in its name: the sample's tables in it are dropped and created.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg2
import psycopg2.extensions
import psycopg2.extras
import pymssql
import pytest
import sqlalchemy as sa

from edfi_cte.campus.reader import Hook
from sandbox.campus.database import create_table, fill, insert, quoted
from sandbox.campus.schema import SCHEMA, Tables
from tests.postgres import empty_database


class DuckDbHook:
    """A hook-like object on a DuckDB: a file, or an open connection whose database it shares."""

    conn_name_attr = "duckdb_conn_id"
    duckdb_conn_id = "campus"
    conn_type = "duckdb"
    supports_autocommit = False
    placeholder = "?"

    def __init__(self, place: Path | duckdb.DuckDBPyConnection) -> None:
        self._place = place

    def get_conn(self) -> Any:
        if isinstance(self._place, Path):
            return duckdb.connect(str(self._place), read_only=True)
        return self._place.cursor()

    def set_autocommit(self, conn: Any, autocommit: bool) -> None:
        raise NotImplementedError


class PostgreSqlHook:
    """A hook-like object on a PostgreSQL database."""

    conn_name_attr = "postgres_conn_id"
    postgres_conn_id = "campus"
    conn_type = "postgres"
    supports_autocommit = True
    placeholder = "%s"

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def get_conn(self) -> Any:
        return psycopg2.connect(self._url, cursor_factory=_LiteralPercent)

    def set_autocommit(self, conn: Any, autocommit: bool) -> None:
        conn.autocommit = autocommit


class _LiteralPercent(psycopg2.extensions.cursor):
    """Takes a % of the text as pymssql does, as it stands; psycopg2 itself wants it doubled."""

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        super().execute(re.sub("%(?!s)", "%%", query) if vars else query, vars)


class SqlServerHook:
    """A hook-like object on the SQL Server of EDFI_CTE_MSSQL_*, with what MsSqlHook would do."""

    conn_name_attr = "mssql_conn_id"
    mssql_conn_id = "campus"
    conn_type = "mssql"
    supports_autocommit = True
    placeholder = "%s"

    def get_conn(self) -> Any:
        return pymssql.connect(
            server=os.environ["EDFI_CTE_MSSQL_HOST"],
            port=os.environ.get("EDFI_CTE_MSSQL_PORT", "1433"),
            user=os.environ["EDFI_CTE_MSSQL_USER"],
            password=os.environ["EDFI_CTE_MSSQL_PASSWORD"],
            database=os.environ["EDFI_CTE_MSSQL_DATABASE"],
            login_timeout=20,
            timeout=120,
        )

    def set_autocommit(self, conn: Any, autocommit: bool) -> None:
        conn.autocommit(autocommit)


class Engine(Protocol):
    """A database that can be filled with a Campus."""

    def campus(self, tables: Tables) -> Hook:
        """A hook on a Campus of exactly these rows."""


class DuckDb:
    def campus(self, tables: Tables) -> Hook:
        connection = duckdb.connect()
        fill(connection, tables)
        return DuckDbHook(connection)


class PostgreSql:
    """Names are unquoted there, so that it folds them to lower case like those of the templates."""

    def __init__(self, url: str) -> None:
        self._hook = PostgreSqlHook(url)
        with closing(self._hook.get_conn()) as connection, connection, connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA dbo")
            for table in SCHEMA:
                cursor.execute(create_table(table, "duckdb").replace("nvarchar", "varchar").replace('"', ""))

    def campus(self, tables: Tables) -> Hook:
        with closing(self._hook.get_conn()) as connection, connection, connection.cursor() as cursor:
            for table in SCHEMA:
                cursor.execute(f"DELETE FROM dbo.{table.name}")
                columns = ", ".join(table.columns)
                rows = [[row.get(column) for column in table.columns] for row in tables.get(table.name, [])]
                into = f"INSERT INTO dbo.{table.name} ({columns}) VALUES %s"
                psycopg2.extras.execute_values(cursor, into, rows, page_size=1000)
        return self._hook


class SqlServer:
    def __init__(self) -> None:
        self._created = False

    def campus(self, tables: Tables) -> Hook:
        with closing(SqlServerHook().get_conn()) as connection, closing(connection.cursor()) as cursor:
            connection.autocommit(True)
            for table in SCHEMA:
                if not self._created:
                    cursor.execute(f"DROP TABLE IF EXISTS dbo.{quoted(table.name)}")
                    cursor.execute(create_table(table, "tsql"))
                cursor.execute(f"DELETE FROM dbo.{quoted(table.name)}")
                rows = tables.get(table.name, [])
                for start in range(0, len(rows), 1000):
                    cursor.execute(insert(table.name, rows[start : start + 1000], "tsql"))
            self._created = True
        return SqlServerHook()

    def forget(self) -> None:
        """Make the tables anew for the next Campus."""
        self._created = False


@pytest.fixture(scope="session")
def _sql_server() -> SqlServer | None:
    if not os.environ.get("EDFI_CTE_MSSQL_HOST"):
        return None
    if "test" not in os.environ["EDFI_CTE_MSSQL_DATABASE"].lower():
        raise pytest.UsageError("EDFI_CTE_MSSQL_DATABASE must be a scratch database with 'test' in its name")
    return SqlServer()


@pytest.fixture(scope="session")
def _postgresql(postgres_url: str) -> Iterator[PostgreSql]:
    with empty_database(postgres_url) as url:
        yield PostgreSql(url)


@pytest.fixture(params=["duckdb", "postgresql", "sqlserver"])
def engine(request: pytest.FixtureRequest, _sql_server: SqlServer | None) -> Engine:
    """Each engine in turn."""
    if request.param == "duckdb":
        return DuckDb()
    if request.param == "postgresql":
        found: Engine = request.getfixturevalue("_postgresql")
        return found
    if _sql_server is None:
        pytest.skip("EDFI_CTE_MSSQL_HOST names no SQL Server")
    return _sql_server
