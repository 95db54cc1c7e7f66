"""Nothing of the ledger's is waited for without end, and what was waited for is named."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import limits as limits_module
from edfi_cte.ledger.database import LedgerError, LedgerFault, faults_explained, open_ledger
from edfi_cte.ledger.limits import Limits, driver_options, encoding_fault, explained
from edfi_cte.ledger.schema import target
from tests.ledger.databases import empty_ledger_url

SHORT = Limits(statement_seconds=3, lock_seconds=1, idle_seconds=1)
ROW = {"target_id": "039141-2026", "edfi_conn_id": "e", "scope_year": 2026, "education_organization_id": 1}


@pytest.fixture
def ledger(url: str) -> Iterator[sa.Engine]:
    engine = open_ledger(url, limits=SHORT)
    with engine.begin() as connection:
        connection.execute(sa.insert(target).values(ROW))
    yield engine
    engine.dispose()


@contextmanager
def locked_by_another(ledger: sa.Engine) -> Iterator[None]:
    """Another session has updated the target's row and does not commit."""
    other = sa.create_engine(ledger.url, connect_args={"timeout": 60} if "sqlite" in ledger.name else {})
    with other.connect() as connection:
        connection.execute(sa.update(target).values(scope_year=2025))
        yield
        connection.rollback()
    other.dispose()


def touch(ledger: sa.Engine) -> None:
    with faults_explained(), ledger.begin() as connection:
        connection.execute(sa.update(target).values(scope_year=2026))


def test_another_sessions_lock_is_waited_for_no_longer_than_the_limit(ledger: sa.Engine):
    with locked_by_another(ledger), pytest.raises(LedgerFault) as fault:
        touch(ledger)
    assert "UPDATE edfi_cte_target waited longer than limits.lock_seconds for a row" in str(fault.value)
    assert fault.value.transient
    touch(ledger)


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
    "mssql": "WAITFOR DELAY '00:01:00'",
}


def test_a_statement_without_end_is_ended(ledger: sa.Engine):
    with pytest.raises(LedgerFault) as fault, faults_explained(), ledger.connect() as connection:
        connection.execute(sa.text(ENDLESS[ledger.dialect.name])).all()
    assert "took longer than limits.statement_seconds" in str(fault.value)
    touch(ledger)


def test_a_transaction_that_stands_still_is_ended_and_its_locks_are_free(postgres_database: str):
    """As that of a frozen worker, which another waits for."""
    frozen = open_ledger(postgres_database, limits=SHORT)
    waiting = open_ledger(postgres_database, limits=Limits(lock_seconds=30))
    with faults_explained(), waiting.begin() as connection:
        connection.execute(sa.insert(target).values(ROW))
    with frozen.connect() as held:
        held.execute(sa.update(target).values(scope_year=1))
        with waiting.begin() as connection:
            connection.execute(sa.update(target).values(scope_year=2))
        with pytest.raises(LedgerFault, match=r"lost its connection.*limits\.idle_seconds"), faults_explained():
            held.execute(sa.update(target).values(scope_year=3))
    for engine in (frozen, waiting):
        engine.dispose()


def test_a_silent_server_is_given_up(tmp_path: Path):
    """The options that each driver takes for it; SQL Server's cannot be run here."""
    assert driver_options("mssql", SHORT) == {"login_timeout": 15, "timeout": 3, "charset": "UTF-8"}
    assert driver_options("postgresql", SHORT)["keepalives_idle"] == 30
    assert open_ledger(f"sqlite:///{tmp_path / 'l'}", limits=SHORT).pool is not None


class Driver:
    """SQL Server's connection, which notes what it is told: mocked, since no server is at hand."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def cursor(self) -> "Driver":
        return self

    def execute(self, statement: str) -> None:
        self.told.append(statement)

    def close(self) -> None:
        self.told.append("close")

    def commit(self) -> None:
        self.told.append("commit")


POSTGRESQL = "SET statement_timeout = 3000; SET lock_timeout = 1000; SET idle_in_transaction_session_timeout = {idle}"


@pytest.mark.parametrize(
    ("dialect", "limits", "told"),
    [
        ("mssql", SHORT, "SET LOCK_TIMEOUT 1000"),
        ("mssql", Limits(lock_seconds=0.0001), "SET LOCK_TIMEOUT 1"),
        ("postgresql", SHORT, POSTGRESQL.format(idle=1000)),
        ("postgresql", Limits(3, 1, 0.25), POSTGRESQL.format(idle=250)),
    ],
)
def test_a_server_is_told_how_long_to_wait(monkeypatch: pytest.MonkeyPatch, dialect: str, limits: Limits, told: str):
    listening: list[Any] = []
    monkeypatch.setattr(limits_module.sa.event, "listens_for", lambda *_: listening.append)
    limits_module.apply(SimpleNamespace(dialect=SimpleNamespace(name=dialect)), limits)  # type: ignore[arg-type]
    driver = Driver()
    listening[0](driver, None)
    assert driver.told == [told, "close", "commit"]


def test_a_statement_on_a_file_is_ended_in_time_and_the_next_has_its_own(tmp_path: Path):
    ledger = open_ledger(f"sqlite:///{tmp_path / 'l'}", limits=Limits(statement_seconds=0.3))
    for _ in range(2):
        with ledger.connect() as connection:
            with pytest.raises(sa.exc.OperationalError, match="interrupted"):
                connection.execute(sa.text(ENDLESS["sqlite"])).all()
            assert connection.scalar(sa.text("SELECT 1")) == 1
    ledger.dispose()


@pytest.mark.parametrize(
    ("dialect", "answers", "said"),
    [
        ("sqlite", {}, None),
        ("postgresql", {"SHOW server_encoding": "UTF8", "SELECT '9' < 'a'": True}, None),
        ("postgresql", {"SHOW server_encoding": "LATIN1"}, "the database l is in LATIN1"),
        (
            "postgresql",
            {"SHOW server_encoding": "UTF8", "SELECT '9' < 'a'": False},
            "the database l sorts letters before digits",
        ),
    ],
)
def test_a_database_that_sorts_otherwise_than_we_do_is_named(dialect: str, answers: dict[str, Any], said: str | None):
    """Mocked: which collations a server has depends on its system."""
    connection: Any = SimpleNamespace(
        dialect=SimpleNamespace(name=dialect),
        engine=SimpleNamespace(url=SimpleNamespace(database="l")),
        execute=lambda asked: SimpleNamespace(scalar_one=lambda: answers[str(asked)]),
    )
    fault = encoding_fault(connection)
    assert (fault is None) is (said is None)
    assert (fault or "").startswith(said or "")


class OperationalError(Exception):
    """As pymssql raises it: number and words, which may hold a value."""


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1222, "waited longer than limits.lock_seconds"),
        (1205, "deadlock"),
        (1105, "disk full"),
        (20003, "took longer than limits.statement_seconds"),
        (4711, r"refused a statement (UPDATE edfi_cte_target: OperationalError 4711)"),
    ],
)
def test_sql_servers_numbers_are_understood(number: int, said: str):
    fault = sa.exc.OperationalError(
        "UPDATE edfi_cte_target SET x = %s", None, OperationalError(number, b"1000000001 is the value")
    )
    assert said in explained(fault)
    assert "1000000001" not in explained(fault)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_lacks_characters_is_named_with_what_to_do(postgres_url: str, encoding: str):
    server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    name = f"narrow_{encoding.lower()}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"))
    try:
        ledger = open_ledger(sa.make_url(postgres_url).set(database=name))
        with ledger.connect() as connection:
            fault = encoding_fault(connection)
        ledger.dispose()
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name}"))
        server.dispose()
    assert fault is not None
    assert f"the database {name} is in {encoding}" in fault
    assert "ENCODING 'UTF8' TEMPLATE template0" in fault


def test_a_database_that_holds_every_character_is_well(url: str):
    with open_ledger(url).connect() as connection:
        assert encoding_fault(connection) is None


def test_the_driver_speaks_utf8_whatever_the_database_says(postgres_database: str):
    with sa.create_engine(postgres_database, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(
            sa.text(f"ALTER DATABASE {sa.make_url(postgres_database).database} SET client_encoding = 'SQL_ASCII'")
        )
    with open_ledger(postgres_database).connect() as connection:
        assert connection.execute(sa.text("SELECT '\u2013'")).scalar_one() == "\u2013"


def test_a_migration_is_not_ended_by_the_limit_of_a_statement(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its lock is held by another worker for longer than a statement of a run may take."""
    url = empty_ledger_url(request, "postgresql", tmp_path)
    other = sa.create_engine(url)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": 0x0ED_F1_C7E})
        release = threading.Timer(2, connection.rollback)
        release.start()
        open_ledger(url, limits=Limits(statement_seconds=1, lock_seconds=30)).dispose()
        release.join()
    other.dispose()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (
            {"timeout": "abc"},
            "refuses the connection (TypeError). Look at each field of it, and at each key of its extra",
        ),
        ({"isolation_level": "bad"}, "does not accept isolation_level as the ledger connection's extra has it"),
        ({"nonsense": 1}, "does not accept nonsense as the ledger connection's extra has it"),
    ],
)
def test_an_extra_that_the_driver_will_not_be_called_with_is_said(tmp_path, extra, words):
    with pytest.raises(LedgerError) as caught:
        open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", extra)
    assert words in str(caught.value)
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(("number", "deadlock"), [(1205, True), (12055, False), (205, False)])
def test_a_number_is_taken_whole(number, deadlock):
    error = sa.exc.OperationalError("UPDATE edfi_cte_run SET x = 1", {}, RuntimeError(number, "words"))
    assert ("deadlock" in explained(error)) is deadlock


def test_each_driver_is_told_how_long_to_wait():
    assert Limits() == Limits(statement_seconds=300, lock_seconds=60, idle_seconds=600)
    assert driver_options("sqlite", SHORT) == {"timeout": 1}
    assert driver_options("postgresql", SHORT) == {
        "connect_timeout": 15,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "client_encoding": "utf8",
    }


class Coded(Exception):
    """A driver's error with PostgreSQL's or SQLite's code, and words that may hold a value."""

    def __init__(self, name: str, code: str) -> None:
        super().__init__("1000000001 is the value")
        setattr(self, name, code)


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("pgcode", "55P03", "waited longer than limits.lock_seconds"),
        ("pgcode", "57014", "took longer than limits.statement_seconds"),
        ("pgcode", "25P03", "idle for too long"),
        ("pgcode", "57P05", "idle for too long"),
        ("pgcode", "57P01", "shutting down"),
        ("pgcode", "53100", "disk full"),
        ("pgcode", "40P01", "deadlock"),
        ("pgcode", "22P05", "must be in UTF-8"),
        ("pgcode", "22021", "must be in UTF-8"),
        ("sqlite_errorname", "SQLITE_BUSY", "waited longer than limits.lock_seconds"),
        ("sqlite_errorname", "SQLITE_BUSY_SNAPSHOT", "waited longer than limits.lock_seconds"),
        ("sqlite_errorname", "SQLITE_FULL", "disk full"),
        ("sqlite_errorname", "SQLITE_FULLER", "refused a statement"),
        ("sqlite_errorname", "SQLITE_IOERR", "refused a statement"),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_what_the_driver_says_by_a_code_is_told_in_words(name: str, code: str, said: str, cut: bool):
    error = sa.exc.DBAPIError(" DELETE FROM edfi_cte_run", None, Coded(name, code), connection_invalidated=cut)
    told = explained(error)
    if said == "refused a statement" and cut:
        said = "lost its connection"
    assert said in told
    assert f"Coded {code})" in told
    assert "DELETE edfi_cte_run" in told
    assert "1000000001" not in told


def test_an_error_without_code_or_statement_is_told_all_the_same():
    told = explained(sa.exc.DBAPIError(None, None, RuntimeError("1000000001")))
    assert "refused a statement (a statement: RuntimeError)" in told
    assert "1000000001" not in told
