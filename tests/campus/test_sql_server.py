"""What only a SQL Server can show: the T-SQL script, the least rights, isolation, timeouts, Airflow's own hook.

Skipped unless EDFI_CTE_MSSQL_HOST names one; see engines.py for the variables.
"""

from __future__ import annotations

import json
import os
import re
import tracemalloc
from contextlib import closing

import pytest

from edfi_cte.campus import CampusAccessDenied, CampusLoginRefused, CampusReader, CampusTimeout, MissingColumns
from edfi_cte.campus.templates import shipped_sql_dir
from sandbox.campus import SCOPE_YEARS, sample_tables
from sandbox.campus.database import quoted, tsql_script
from sandbox.campus.schema import SCHEMA
from sandbox.oracle import verdicts
from tests.campus.engines import SqlServerHook
from tests.campus.small import DISTRICT, edited_mapping, outcomes

pytestmark = pytest.mark.skipif(
    not os.environ.get("EDFI_CTE_MSSQL_HOST"), reason="EDFI_CTE_MSSQL_HOST names no SQL Server"
)
ROLE = "edfi_cte_reader"
READER, PASSWORD = "edfi_cte_test_reader", "Only-4-Tests-" + os.urandom(4).hex()


def run(*statements: str) -> None:
    with closing(SqlServerHook().get_conn()) as connection, closing(connection.cursor()) as cursor:
        connection.autocommit(True)
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(scope="module")
def sample(_sql_server):
    """The whole sample, by the script that ``python -m sandbox.campus tsql`` prints; its tables."""
    tables = sample_tables()
    drops = [*(f"DROP TABLE IF EXISTS dbo.{quoted(table.name)}" for table in SCHEMA), f"DROP ROLE IF EXISTS {ROLE}"]
    run(*drops, *tsql_script(tables))
    yield {table.name: [dict.fromkeys(table.columns) | row for row in tables[table.name]] for table in SCHEMA}
    run(*drops)
    _sql_server.forget()


@pytest.fixture
def connection_extra():
    return {}


@pytest.fixture
def airflow_hook(monkeypatch, connection_extra):
    """MsSqlHook as a deployment has it, on a connection of that login."""

    def make(login: str = os.environ["EDFI_CTE_MSSQL_USER"], password: str = os.environ["EDFI_CTE_MSSQL_PASSWORD"]):
        from airflow.providers.microsoft.mssql.hooks.mssql import MsSqlHook

        connection = {
            "conn_type": "mssql",
            "host": os.environ["EDFI_CTE_MSSQL_HOST"],
            "port": int(os.environ.get("EDFI_CTE_MSSQL_PORT", "1433")),
            "login": login,
            "password": password,
            "schema": os.environ["EDFI_CTE_MSSQL_DATABASE"],
            "extra": {"appname": "edfi-cte", "read_only": True, "login_timeout": 20, "timeout": 300}
            | connection_extra,
        }
        monkeypatch.setenv("AIRFLOW_CONN_CAMPUS_TEST", json.dumps(connection))
        return MsSqlHook(mssql_conn_id="campus_test")

    return make


@pytest.mark.parametrize("year", SCOPE_YEARS)
@pytest.mark.parametrize("isolation", ["read_committed", "snapshot"])
def test_the_sample_reads_as_on_duckdb(sample, airflow_hook, year, isolation):
    found = verdicts(sample, year, {"district_number": DISTRICT})
    by_oracle = {number: v.reason if v.outcome == "excluded" else None for number, v in found.items()}
    assert outcomes(airflow_hook(), year, isolation=isolation) == by_oracle


def test_memory_stays_flat(sample, airflow_hook):
    reader = CampusReader(airflow_hook(), district_number=DISTRICT, fetch_size=200)
    next(stream := reader.enrollment_records(2025))
    tracemalloc.start()
    count = sum(1 for _ in stream)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count > 5000
    assert peak < 1_000_000, "bytes; all records at once take several times that"


def test_the_least_rights_suffice_and_allow_nothing_else(sample, airflow_hook):
    text = re.sub(r"--[^\n]*", "", (shipped_sql_dir() / "grants.sql").read_text())
    statements = [part.strip() for part in text.split(";") if part.strip()]
    run(f"CREATE LOGIN {READER} WITH PASSWORD = '{PASSWORD}'", f"CREATE USER {READER} FOR LOGIN {READER}")
    try:
        run(*statements, f"ALTER ROLE {ROLE} ADD MEMBER {READER}")
        hook = airflow_hook(READER, PASSWORD)
        reader = CampusReader(hook, district_number=DISTRICT)
        assert sum(1 for _ in reader.enrollment_records(2026)) > 4000
        assert reader.missing_columns() == []
        assert reader.code_usage(2026)
        with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
            for refused in ('SELECT birthdate FROM dbo."Identity"', "DELETE FROM dbo.Person"):
                with pytest.raises(Exception, match=r"permission denied|permission was denied"):
                    cursor.execute(refused)
    finally:
        run(f"DROP USER {READER}", f"DROP LOGIN {READER}")


def test_a_login_without_rights_is_told_so(sample, airflow_hook):
    run(f"CREATE LOGIN {READER} WITH PASSWORD = '{PASSWORD}'", f"CREATE USER {READER} FOR LOGIN {READER}")
    try:
        # Babelfish has a number of its own in place of 229: there the tables are those that may not be seen.
        with pytest.raises((CampusAccessDenied, MissingColumns), match=r"(?i)grant (it|the login) SELECT"):
            CampusReader(airflow_hook(READER, PASSWORD), district_number=DISTRICT).district_numbers()
    finally:
        run(f"DROP USER {READER}", f"DROP LOGIN {READER}")


def test_a_wrong_password_is_named_without_being_shown(airflow_hook):
    with pytest.raises(CampusLoginRefused, match=r"Airflow connection 'campus_test'.*Check the connection") as caught:
        CampusReader(airflow_hook(password="wr0ng-secret"), district_number=DISTRICT).district_numbers()
    assert "wr0ng-secret" not in str(caught.value)


@pytest.mark.parametrize("connection_extra", [{"timeout": 1}])
def test_a_query_that_takes_too_long_is_broken_off(sample, airflow_hook, tmp_path):
    many = "dbo.Enrollment AS x, dbo.Calendar AS y, dbo.SchoolYear AS z"
    folder = edited_mapping(tmp_path, "FROM dbo.District AS d", f"FROM dbo.District AS d, {many}")
    with pytest.raises(CampusTimeout, match="campus_timeout_seconds"):
        CampusReader(airflow_hook(), district_number=DISTRICT, sql_dir=folder).district_numbers()
