"""What a real server shows on every machine: the whole sample, and that the least rights suffice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edfi_cte.campus import CampusAccessDenied
from edfi_cte.campus.mapping import MAPPING_TEMPLATE, named_columns
from edfi_cte.campus.templates import Templates, shipped_sql_dir
from sandbox.campus import SCOPE_YEARS, sample_tables
from sandbox.campus.schema import SCHEMA, Tables
from sandbox.oracle import verdicts
from tests.campus.engines import PostgreSql, PostgreSqlHook
from tests.campus.small import DISTRICT, YEAR, edited_mapping, outcomes, reader, small_campus
from tests.campus.wrapped import WrappedHook
from tests.postgres import empty_database

ROLE = "edfi_cte_reader"


@pytest.fixture(scope="module")
def url(postgres_url: str) -> Iterator[str]:
    with empty_database(postgres_url) as database:
        yield database


@pytest.fixture(scope="module")
def engine(url: str) -> PostgreSql:
    return PostgreSql(url)


@pytest.fixture(scope="module")
def sample(postgres_url: str) -> Iterator[tuple[Tables, PostgreSqlHook]]:
    """The whole sample, in a database of its own: the other tests fill theirs anew, in any order."""
    tables = sample_tables()
    with empty_database(postgres_url) as url:
        PostgreSql(url).campus(tables)
        run(url, "ANALYZE")
        rows = {table.name: [dict.fromkeys(table.columns) | row for row in tables[table.name]] for table in SCHEMA}
        yield rows, PostgreSqlHook(url)


@pytest.mark.parametrize("year", SCOPE_YEARS)
def test_the_sample_reads_as_on_duckdb(sample: tuple[Tables, PostgreSqlHook], year: int) -> None:
    tables, hook = sample
    found = verdicts(tables, year, {"district_number": DISTRICT})
    by_oracle = {number: v.reason if v.outcome == "excluded" else None for number, v in found.items()}
    assert outcomes(hook, year) == by_oracle


def test_a_table_of_a_named_database_is_looked_for_there(engine: PostgreSql, url: str, tmp_path: Path) -> None:
    """Beside others of the connection's database, which is the same one here: PostgreSQL shows no other."""
    engine.campus(small_campus())
    name = url.rpartition("/")[2]
    folder = edited_mapping(tmp_path, "dbo.Person AS p", f"{name}.dbo.Person AS p")
    asked = WrappedHook(PostgreSqlHook(url))
    assert reader(asked, sql_dir=folder).missing_columns() == []
    assert {"PERSON"} in [set(parameters) for text, parameters in asked.statements if f'"{name}".' in text]
    text = (folder / MAPPING_TEMPLATE).read_text().replace("p.personID AS", "p.personNo AS")
    (folder / MAPPING_TEMPLATE).write_text(text)
    (missing,) = reader(asked, sql_dir=folder).missing_columns()
    assert (missing.table, missing.column) == (f"{name}.dbo.Person", "personNo")


@pytest.fixture
def role(engine: PostgreSql, url: str) -> Iterator[PostgreSqlHook]:
    """A hook of the role that grants.sql makes; SQL Server and PostgreSQL say it in the same words."""
    engine.campus(small_campus())
    grants = re.sub(r"--[^\n]*", "", (shipped_sql_dir() / "grants.sql").read_text())
    run(url, grants, f"GRANT USAGE ON SCHEMA dbo TO {ROLE}", f"ALTER ROLE {ROLE} LOGIN")
    yield PostgreSqlHook(url.replace("//edfi@", f"//{ROLE}@"))
    run(url, f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")


def run(url: str, *statements: str) -> None:
    with closing(PostgreSqlHook(url).get_conn()) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_the_least_rights_suffice(role: PostgreSqlHook) -> None:
    campus = reader(role)
    assert campus.missing_columns() == []
    assert len(list(campus.enrollment_records(YEAR))) == campus.enrollment_count(YEAR) == 1
    assert len(campus.code_usage(YEAR)) == 2


def test_they_show_exactly_the_columns_that_the_mapping_names(role: PostgreSqlHook) -> None:
    with closing(role.get_conn()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'dbo'")
        shown = set(cursor.fetchall())
    named = named_columns(Templates(None, "%s").mapping(student_id="stateID"))
    assert shown == {(name.table.lower(), name.column.lower()) for name in named}


def test_another_student_id_needs_its_own_grant_and_the_message_says_so(role: PostgreSqlHook, url: str) -> None:
    (missing,) = reader(role, student_id="edFiID").missing_columns()
    assert "grant the login SELECT" in str(missing)
    with pytest.raises(CampusAccessDenied, match="Grant it SELECT"):
        list(reader(role, student_id="edFiID").enrollment_records(YEAR))
    run(url, f"GRANT SELECT (edFiID) ON dbo.Person TO {ROLE}")
    assert reader(role, student_id="edFiID").missing_columns() == []
