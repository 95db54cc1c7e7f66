"""The ledger opened for reading: what it is told, and what is said where it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from edfi_cte.ledger.database import LedgerError, LedgerUnavailable, open_ledger
from edfi_cte.ledger.reading import LedgerBusy, LedgerNewer, LedgerOlder, NoLedgerYet, reading, reading_engine
from tests.ledger.connecting import told_to_connect


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger in a file whose name has to be quoted in an address."""
    made = tmp_path / "a b?mode=rwc#c%20d.sqlite"
    open_ledger(sa.URL.create("sqlite", database=str(made))).dispose()
    return made


def of(path: Path) -> sa.Engine:
    return reading_engine(sa.URL.create("sqlite", database=str(path)))


def refused(engine: sa.Engine, kind: type[LedgerError]) -> str:
    with pytest.raises(kind) as caught, reading(engine):
        pass
    assert caught.value.transient is issubclass(kind, LedgerUnavailable)
    return str(caught.value)


def changed(path: Path, statement: str) -> str:
    """What the ledger's version was before the statement."""
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    with engine.begin() as connection:
        version = str(connection.scalar(sa.text("SELECT version_num FROM edfi_cte_version")))
        connection.execute(sa.text(statement))
    engine.dispose()
    return version


def test_a_ledger_of_this_version_is_read_and_not_written(path: Path):
    with reading(of(path)) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM edfi_cte_run")) == 0
        assert connection.scalar(sa.text("PRAGMA query_only")) == 1


EMPTY = "No run has made the ledger yet: it is created by the first task of the first run."


def test_a_ledger_that_no_run_has_made_is_not_made_here(tmp_path: Path):
    nowhere, empty = tmp_path / "nowhere", tmp_path / "empty"
    empty.touch()
    for path in (nowhere, empty):
        assert refused(of(path), NoLedgerYet) == EMPTY
    assert not nowhere.exists()
    assert empty.stat().st_size == 0


def test_a_ledger_of_another_version_is_told_with_both_versions(path: Path):
    newest = changed(path, "UPDATE edfi_cte_version SET version_num = '9999'")
    assert refused(of(path), LedgerNewer) == (
        f"The ledger is at version 9999, made by a newer edfi-cte than this web server has ({newest}). Install that "
        "version here too and restart the API server."
    )
    changed(path, "UPDATE edfi_cte_version SET version_num = '0001'")
    assert refused(of(path), LedgerOlder) == (
        f"The ledger is at version 0001, and these pages are for {newest}. The next run migrates it, if the workers "
        "have this version of edfi-cte too."
    )
    changed(path, "DELETE FROM edfi_cte_version")
    assert refused(of(path), NoLedgerYet) == EMPTY


def test_a_ledger_that_may_not_be_read_is_told_with_the_right_to_grant(path: Path):
    """SQLite knows no rights: a version without its column stands for a table that a login may not read."""
    changed(path, "ALTER TABLE edfi_cte_version RENAME COLUMN version_num TO hidden")
    assert refused(of(path), LedgerUnavailable) == (
        "The ledger's database does not let itself be read (OperationalError). Grant the login of the pages' "
        "connection SELECT on the tables edfi_cte_*."
    )


def test_a_login_without_the_right_to_read_is_told_so_by_postgresql(postgres_database: str):
    """Which does nothing more in a transaction in which a statement has failed."""
    url, role = sa.make_url(postgres_database), f"reads_nothing_{uuid4().hex}"
    owner = open_ledger(url)
    with owner.begin() as connection:
        connection.execute(sa.text(f"CREATE ROLE {role} LOGIN"))
    reader = reading_engine(url.set(username=role))
    try:
        assert "(InsufficientPrivilege). Grant the login" in refused(reader, LedgerUnavailable)
    finally:
        reader.dispose()
        with owner.begin() as connection:
            connection.execute(sa.text(f"DROP ROLE {role}"))
        owner.dispose()


def test_a_server_that_is_down_is_told_without_its_address():
    engine = reading_engine("postgresql+psycopg2://me:hidden-word@127.0.0.1:1/l")
    assert refused(engine, LedgerUnavailable) == (
        "The ledger's database does not answer (OperationalError). The server's log says why; 'edfi-cte check' tests "
        "the connection from a worker."
    )


def test_two_read_at_once_and_a_third_is_told_to_come_again(path: Path, monkeypatch: pytest.MonkeyPatch):
    engine = of(path)
    assert isinstance(engine.pool, sa.QueuePool)
    assert (engine.pool.size(), engine.pool.timeout()) == (2, 2)
    monkeypatch.setattr(engine.pool, "_timeout", 0.01)
    with reading(engine), reading(engine):
        assert refused(engine, LedgerBusy) == (
            "Others are reading the ledger just now, and a web server may read it twice at a time. Try again."
        )
    with reading(engine):
        pass


def test_a_failing_statement_names_no_student(path: Path):
    with reading(of(path)) as connection, pytest.raises(sa.exc.OperationalError) as error:
        connection.execute(sa.text("SELECT :student FROM nothing"), {"student": "1000000001"})
    assert "1000000001" not in str(error.value)


def test_a_statement_ends_in_time_and_the_next_has_its_own(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edfi_cte.ledger.reading.STATEMENT_SECONDS", 0.2)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with reading(of(path)) as connection:
        for _ in range(2):
            with pytest.raises(sa.exc.OperationalError, match="interrupted"):
                connection.execute(sa.text(endless))
        monkeypatch.undo()
        some = endless.replace("FROM n)", "FROM n WHERE i < 100000)", 1)
        assert connection.scalar(sa.text(some)) == 100000, "which takes far less than the seconds that it has"


def told(url: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """What the driver is called with beside the address; it is not called."""
    keywords = told_to_connect(reading_engine(url, extra))
    return {name: keywords[name] for name in keywords.keys() - {"host", "user", "dbname", "database", "server"}}


OWN = "-c default_transaction_read_only=on -c statement_timeout=5000"


@pytest.mark.parametrize(
    ("scheme", "extra", "expected"),
    [
        ("postgresql+psycopg2", {}, {"options": OWN, "connect_timeout": 3}),
        (
            "postgresql+psycopg2",
            {"options": "-c search_path=x", "connect_timeout": 9, "sslmode": "require"},
            {"options": f"-c search_path=x {OWN}", "connect_timeout": 9, "sslmode": "require"},
        ),
        (
            "mssql+pymssql",
            {"appname": "pages", "timeout": 99},
            {"login_timeout": 3, "timeout": 5, "appname": "pages"},
        ),
    ],
)
def test_a_server_is_told_to_answer_soon_and_the_connections_extra(
    scheme: str, extra: dict[str, Any], expected: dict[str, Any]
):
    assert told(f"{scheme}://me@db/l", extra).items() >= expected.items()
