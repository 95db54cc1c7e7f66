"""What a ledger's connection leads to, and what its database is told and asked before anything is kept in it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import database
from edfi_cte.ledger.database import (
    LedgerError,
    LedgerUnavailable,
    _check_json,
    _engine,
    _migration_lock,
    alembic_config,
    ledger_url,
    open_ledger,
)
from edfi_cte.ledger.limits import Limits
from tests.ledger.connecting import told_to_connect


def connection(**parts: object) -> Any:
    empty = dict.fromkeys(("conn_type", "host", "login", "password", "schema", "port"))
    return SimpleNamespace(conn_id="ledger", **empty | parts)


SERVER: dict[str, Any] = {"login": "u", "password": "p@/:", "host": "db", "port": 1433, "schema": "s"}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"conn_type": "sqlite", "host": "%2Fa%20b"}, sa.URL.create("sqlite", database="/a b")),
        ({"conn_type": "sqlite", "host": "relative.db"}, sa.URL.create("sqlite", database="relative.db")),
        ({"conn_type": "generic", "host": "%2Fa%20b"}, sa.URL.create("sqlite", database="/a b")),
        *(
            (SERVER | {"conn_type": kind}, sa.URL.create(driver, "u", "p@/:", "db", 1433, "s"))
            for kind, driver in (
                ("postgres", "postgresql+psycopg2"),
                ("postgresql", "postgresql+psycopg2"),
                ("mssql", "mssql+pymssql"),
            )
        ),
    ],
)
def test_a_connection_leads_to_its_database(given: dict[str, Any], url: sa.URL):
    assert ledger_url(connection(**given)) == url


NO_LEDGER = (
    "connection 'ledger': type '{}' can't hold the ledger. Use postgres or mssql; to try it out on one host, the "
    "type Generic with a SQLite file's absolute path as host."
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"conn_type": "sqlite"}, "connection 'ledger': a sqlite ledger needs its file's path as host"),
        ({"conn_type": "generic"}, NO_LEDGER.format("generic")),
        ({"conn_type": "generic", "host": "relative.db"}, NO_LEDGER.format("generic")),
        ({"conn_type": "mysql", "host": "/x"}, NO_LEDGER.format("mysql")),
    ],
)
def test_a_connection_that_leads_to_none_is_told_what_it_needs(given: dict[str, Any], said: str):
    with pytest.raises(LedgerError) as refused:
        ledger_url(connection(**given))
    assert str(refused.value) == said


def test_a_file_has_readers_beside_its_writer_and_every_commit_on_disk(tmp_path: Path):
    with open_ledger(f"sqlite:///{tmp_path / 'l'}").connect() as opened:
        assert opened.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert opened.scalar(sa.text("PRAGMA synchronous")) == 2, "FULL"


GRANTS = {
    "postgresql+psycopg2": 'GRANT USAGE, CREATE ON SCHEMA public TO "me";',
    "mssql+pymssql": (
        "GRANT CREATE TABLE TO [me]; GRANT ALTER, SELECT, INSERT, UPDATE, DELETE ON SCHEMA::dbo TO [me];"
    ),
}


def test_a_connection_that_was_closed_meanwhile_is_made_anew(tmp_path: Path):
    """As a server does it between two tasks of one process; here the driver does it."""
    ledger = open_ledger(f"sqlite:///{tmp_path / 'l'}")
    with ledger.connect() as opened:
        driver: Any = opened.connection.driver_connection
    driver.close()
    with ledger.connect() as opened:
        assert opened.scalar(sa.text("SELECT 1")) == 1


@pytest.mark.parametrize(
    ("scheme", "extra", "said"),
    [
        ("postgresql+psycopg2", {"keepalives": "1"}, "the driver gave an error (OperationalError)"),
        (
            "postgresql+psycopg2",
            {"sslmode": "perhaps", "keepalives": "1"},
            "the driver gave an error (OperationalError), which names sslmode of the connection's extra",
        ),
        ("mssql+pymssql", {}, "the server could not be reached (OperationalError 20009)"),
    ],
)
def test_a_server_that_cannot_be_reached_is_told_with_what_to_look_at(scheme: str, extra: dict[str, str], said: str):
    with pytest.raises(LedgerUnavailable) as refused:
        open_ledger(f"{scheme}://me:hidden-word@127.0.0.1:1/l", extra)
    assert str(refused.value) == (
        f"the ledger can't be opened: {said}. Check the connection's host, port, login and database: it leads to "
        f"{scheme}://me:***@127.0.0.1:1/l. If the login lacks rights: {GRANTS[scheme]}"
    )
    assert refused.value.transient


def test_a_file_that_cannot_be_made_is_told_without_rights_to_grant(tmp_path: Path):
    with pytest.raises(LedgerUnavailable) as refused:
        open_ledger(f"sqlite:///{tmp_path / 'nowhere' / 'l'}")
    assert str(refused.value) == (
        "the ledger can't be opened: the driver gave an error (OperationalError). Check the connection's host, port, "
        f"login and database: it leads to sqlite:///{tmp_path / 'nowhere' / 'l'}."
    )


def test_a_newer_ledger_is_refused_with_its_version(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'l'}"
    with open_ledger(url).begin() as opened:
        opened.execute(sa.text("UPDATE edfi_cte_version SET version_num = '9999'"))
    with pytest.raises(LedgerUnavailable) as refused:
        open_ledger(url)
    assert str(refused.value) == (
        "the ledger was migrated to '9999' by a newer edfi-cte than this one; install that version here too, on "
        "every worker"
    )


def test_the_connections_extra_comes_before_what_the_driver_is_told_of_itself():
    url = sa.make_url("mssql+pymssql://me@db/l")
    own = {"login_timeout": 15, "timeout": 7, "charset": "UTF-8"}
    limits = Limits(statement_seconds=7)
    told = told_to_connect(_engine(url, {}, limits))
    assert told.items() >= own.items()
    extra = {"login_timeout": 3, "appname": "sync"}
    assert told_to_connect(_engine(url, extra, limits)) == told | extra


def test_while_one_worker_migrates_a_file_no_other_writes_it_until_it_has_failed(tmp_path: Path):
    engine = _engine(sa.make_url(f"sqlite:///{tmp_path / 'l'}"), {"timeout": 0}, Limits())
    with engine.connect() as one, engine.connect() as other:
        with pytest.raises(sa.exc.OperationalError, match="locked"), _migration_lock(one):
            other.exec_driver_sql("CREATE TABLE t (n int)")
        other.rollback()
        other.exec_driver_sql("CREATE TABLE t (n int)")


def test_the_migrations_may_be_in_a_folder_of_any_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "_MIGRATIONS", Path("/a %(b)s"))
    assert alembic_config().get_main_option("script_location") == "/a %(b)s"


def test_a_server_that_reads_json_as_it_is_written_is_taken_and_one_that_changes_it_is_not(tmp_path: Path):
    """SQLite stands for it, asked in its own words."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ledger'}")
    asked: list[Any] = []
    reads = ["json_extract(?, '$[0][0]')"]

    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def _in_its_words(_c: Any, _k: Any, statement: str, parameters: Any, _x: Any, _m: Any) -> Any:
        assert statement == "SELECT body FROM OPENJSON(?) WITH (body nvarchar(max) '$[0]')"
        asked.extend(parameters)
        return f"SELECT {reads[0]}", parameters

    _check_json(engine)
    [[text]] = json.loads(asked[0])
    assert len(text) > 4000, "SQL Server cuts what it takes for NVARCHAR(4000)"
    assert set('\\\n"\u00e9\U0001f393') <= set(text)
    reads[0] = f"substr({reads[0]}, 1, 4000)"
    with pytest.raises(LedgerError) as refused:
        _check_json(engine)
    assert str(refused.value) == (
        "the ledger's server does not read JSON as SQL Server 2016 does, and the ledger is written by it. On an "
        f"older compatibility level: ALTER DATABASE [{tmp_path / 'ledger'}] SET COMPATIBILITY_LEVEL = 130;"
    )
