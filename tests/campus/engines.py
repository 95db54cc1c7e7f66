"""The databases that the Campus tests run on: DuckDB always, SQL Server where EDFI_CTE_MSSQL_* names one.

Variables: EDFI_CTE_MSSQL_HOST, _PORT (1433), _USER, _PASSWORD, _DATABASE. The database must be a scratch one with
"test" in its name: the sample's tables in it are dropped and created.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pymssql
import pytest

from edfi_cte.campus.reader import Hook
from sandbox.campus.database import create_table, fill, insert, quoted
from sandbox.campus.schema import SCHEMA, Tables


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


@pytest.fixture(params=["duckdb", "sqlserver"])
def engine(request: pytest.FixtureRequest, _sql_server: SqlServer | None) -> Iterator[Engine]:
    """Each engine in turn."""
    if request.param == "duckdb":
        yield DuckDb()
    elif _sql_server is None:
        pytest.skip("EDFI_CTE_MSSQL_HOST names no SQL Server")
    else:
        yield _sql_server
