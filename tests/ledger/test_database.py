"""The ledger's database: created on first use, by one process of many, refused where it is newer or not there."""

import multiprocessing
import re
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql
from sqlalchemy.schema import CreateIndex, CreateTable

from edfi_cte.ledger import database
from edfi_cte.ledger.database import (
    LedgerError,
    _check_json,
    _engine,
    _head,
    _migrate,
    _migration_lock,
    ledger_url,
    open_ledger,
)
from edfi_cte.ledger.reading import reading_engine
from edfi_cte.ledger.schema import enrollment_record, metadata


def test_the_first_use_creates_every_table_as_the_schema_has_it(url: str):
    inspector = sa.inspect(open_ledger(url))
    for table in metadata.sorted_tables:
        assert [c["name"] for c in inspector.get_columns(table.name)] == [c.name for c in table.columns]
        assert {i["name"] for i in inspector.get_indexes(table.name)} == {i.name for i in table.indexes}


def _open(url: str) -> None:
    open_ledger(url).dispose()


def test_workers_that_start_at_once_do_not_trip_over_each_other(url: str):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_open, args=(url,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    with open_ledger(url).connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM edfi_cte_version")).all() == [(_head(),)]


def test_a_worker_that_waits_for_a_migration_holds_one_connection(url: str, monkeypatch: pytest.MonkeyPatch):
    """Behind a pooler of few connections, workers that start at once and take two each would wait for one another."""
    made: list[sa.Engine] = []
    in_use: list[int] = []

    def engine(*arguments: Any) -> sa.Engine:
        made.append(_engine(*arguments))
        return made[-1]

    def migrate(engine: sa.Engine) -> None:
        in_use.extend(each.pool.checkedout() for each in made if isinstance(each.pool, sa.QueuePool))
        _migrate(engine)

    monkeypatch.setattr(database, "_engine", engine)
    monkeypatch.setattr(database, "_migrate", migrate)
    open_ledger(url).dispose()
    assert in_use == [0, 0]


def test_an_older_package_refuses_a_newer_ledger(url: str):
    with open_ledger(url).begin() as connection:
        connection.execute(sa.text("UPDATE edfi_cte_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="newer edfi-cte") as error:
        open_ledger(url)
    assert error.value.transient, "a retry may find a worker that is upgraded"


def test_a_server_that_is_not_there_is_named_without_its_password():
    with pytest.raises(LedgerError) as error:
        open_ledger("postgresql+psycopg2://somebody:hidden-word@127.0.0.1:1/ledger")
    assert "127.0.0.1:1/ledger" in str(error.value)
    assert "hidden-word" not in str(error.value)
    assert error.value.transient


def test_a_login_that_may_not_create_tables_is_told_what_to_grant(postgres_database: str):
    url = sa.make_url(postgres_database).update_query_dict({"options": "-c role=pg_read_all_data"})
    with pytest.raises(
        LedgerError, match=r'the login lacks a right.*GRANT USAGE, CREATE ON SCHEMA public TO "edfi";'
    ) as error:
        open_ledger(url)
    assert not error.value.transient


def test_a_failing_statement_names_no_student(url: str):
    row = {"target_id": "t", "enrollment_id": 1, "source_hash": "-", "student_unique_id": "1000000001"}
    statement = sa.insert(enrollment_record).values(row)
    with open_ledger(url).connect() as connection:
        connection.execute(statement)
        with pytest.raises(sa.exc.IntegrityError) as error:
            connection.execute(statement)
    assert "1000000001" not in str(error.value)


def test_the_connections_extra_goes_to_the_driver(postgres_database: str):
    with open_ledger(postgres_database, {"application_name": "the-sync"}).connect() as connection:
        assert connection.execute(sa.text("SHOW application_name")).scalar() == "the-sync"


@pytest.mark.parametrize("wrong", [{"sslmoed": "require"}, {"sslmode": "perhaps"}])
def test_an_extra_that_the_driver_does_not_take_is_named(postgres_database: str, wrong: dict[str, str]):
    with pytest.raises(LedgerError, match=next(iter(wrong))):
        open_ledger(postgres_database, wrong)


def test_an_extra_that_pymssql_does_not_take_is_named():
    with pytest.raises(LedgerError, match="encryptoin"):
        open_ledger("mssql+pymssql://somebody@127.0.0.1:1/ledger", {"encryptoin": "require"})


def test_a_server_that_reads_json_otherwise_is_refused():
    """Mocked: a server of ours reads JSON right, and SQLite knows no OPENJSON, as SQL Server 2014 does not."""
    with pytest.raises(LedgerError, match="COMPATIBILITY_LEVEL = 130"):
        _check_json(sa.create_engine("sqlite://"))


def connection(**parts: object) -> SimpleNamespace:
    empty = dict.fromkeys(("conn_type", "host", "login", "password", "schema", "port"))
    return SimpleNamespace(conn_id="ledger", **empty | parts)


def test_the_url_of_an_airflow_connection():
    values = {"login": "u", "password": "p@/:", "host": "db", "port": 1433, "schema": "s"}
    assert ledger_url(connection(conn_type="sqlite", host="/a b/l.db")).database == "/a b/l.db"
    for kind, driver in [("postgres", "postgresql+psycopg2"), ("mssql", "mssql+pymssql")]:
        url = ledger_url(connection(conn_type=kind, **values))
        assert (url.drivername, url.password, url.database) == (driver, "p@/:", "s")


@pytest.mark.parametrize("wrong", [{"conn_type": "sqlite"}, {"conn_type": "mysql", "host": "x"}])
def test_a_connection_that_cannot_hold_the_ledger_is_refused(wrong: dict[str, str]):
    with pytest.raises(LedgerError, match="connection 'ledger'"):
        ledger_url(connection(**wrong))


def test_the_schema_compiles_for_sql_server_with_exact_types():
    dialect = mssql.dialect(deprecate_large_types=True)  # as of SQL Server 2012
    text = "\n".join(
        str(CreateTable(table).compile(dialect=dialect))
        + "".join(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
        for table in metadata.sorted_tables
    )
    assert "DATETIME2(6)" in text
    assert "BIGINT NOT NULL IDENTITY" in text
    assert "student_unique_id NVARCHAR(200)" in text
    assert "body NVARCHAR(max)" in text
    assert "DATETIME NOT NULL" not in text
    assert re.search(r"\bVARCHAR\(\d", text) is None


class SqlServer:
    """A connection's double, which notes what it is told: no SQL Server is at hand."""

    dialect = SimpleNamespace(name="mssql")

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def execute(self, statement: Any, parameters: Any = None) -> None:
        self.told.append((str(statement), parameters))

    def rollback(self) -> None:
        self.told.append(("ROLLBACK", None))


def test_on_sql_server_one_worker_migrates_while_the_others_wait():
    server = SqlServer()

    def migrate() -> None:
        with _migration_lock(cast("Any", server)):
            server.told.append(("migrate", None))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        migrate()
    lock = "EXEC sp_getapplock @Resource = :name, @LockMode = 'Exclusive', @LockTimeout = 60000"
    assert server.told == [
        ("ROLLBACK", None),
        (lock, {"name": "edfi_cte_migration"}),
        ("migrate", None),
        ("ROLLBACK", None),
    ]


def test_a_connection_for_reading_that_the_server_has_closed_is_made_anew(postgres_database: str):
    """The pages' server keeps it between two requests; PostgreSQL may have been started anew meanwhile."""
    engine = reading_engine(postgres_database)
    with engine.connect() as connection:
        served_by = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    other = sa.create_engine(postgres_database)
    with other.connect() as connection:
        assert connection.scalar(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": served_by})
    other.dispose()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) != served_by
    engine.dispose()
