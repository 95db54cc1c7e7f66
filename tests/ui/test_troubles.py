"""The server stays well: a ledger that is down, empty, older, newer or slow, and settings that are wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from edfi_cte.ledger.database import LedgerUnavailable, open_ledger
from edfi_cte.ledger.reading import reading, reading_engine
from edfi_cte.ui.source import Source, _said
from edfi_cte.ui.troubles import register
from tests.sync.world import World
from tests.ui.ledger import TARGET


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    open_ledger(f"sqlite:///{path}").dispose()
    return path


def revision(path: Path, number: str) -> None:
    with sa.create_engine(f"sqlite:///{path}").begin() as connection:
        connection.execute(sa.text("UPDATE edfi_cte_version SET version_num = :number"), {"number": number})


def test_no_ledger_yet(tmp_path: Path, deploy: Callable[..., None], as_user: Any):
    deploy(tmp_path / "nowhere.sqlite")
    assert "No run has made the ledger yet" in as_user("viewer").get("/", 503)
    assert not (tmp_path / "nowhere.sqlite").exists(), "the pages create nothing"


def test_an_empty_database(tmp_path: Path, deploy: Callable[..., None], as_user: Any):
    (tmp_path / "empty.sqlite").touch()
    deploy(tmp_path / "empty.sqlite")
    assert "Nothing to show yet" in as_user("viewer").get("/events", 503)
    assert (tmp_path / "empty.sqlite").stat().st_size == 0


@pytest.mark.parametrize(("number", "said"), [("0001", "older than these pages"), ("9999", "newer than these pages")])
def test_a_ledger_of_another_version(ledger: Path, deploy: Callable[..., None], as_user: Any, number: str, said: str):
    revision(ledger, number)
    deploy(ledger)
    assert said in as_user("viewer").get("/", 503)
    with sa.create_engine(f"sqlite:///{ledger}").connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM edfi_cte_version")).scalar() == number


def test_a_server_that_is_down_is_said_without_its_address(
    ledger: Path, deploy: Callable[..., None], as_user: Any, monkeypatch: pytest.MonkeyPatch
):
    deploy(ledger)
    down = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "somebody", "password": "hidden-word"}
    monkeypatch.setenv("AIRFLOW_CONN_EDFI_CTE_LEDGER", json.dumps(down))
    html = as_user("viewer").get("/", 503)
    assert "does not answer" in html
    assert not any(word in html for word in ("hidden-word", "127.0.0.1", "somebody"))
    # Mended, it is seen at once.
    deploy(ledger)
    assert "has not run yet" in as_user("viewer").get("/")


def test_a_connection_that_is_missing(ledger: Path, deploy: Callable[..., None], as_user: Any):
    deploy(ledger, ledger_conn_id="not_defined")
    assert "A connection is missing" in as_user("viewer").get("/", 503)


def test_the_pages_may_have_a_connection_of_their_own(
    ledger: Path, deploy: Callable[..., None], as_user: Any, monkeypatch: pytest.MonkeyPatch
):
    deploy("/nowhere", ui={"ledger_conn_id": "reader"})
    monkeypatch.setenv("AIRFLOW_CONN_READER", json.dumps({"conn_type": "sqlite", "host": str(ledger)}))
    assert "has not run yet" in as_user("viewer").get("/")


def test_without_settings_what_the_ledger_knows_is_shown(
    world: World, deploy: Callable[..., None], as_user: Any, monkeypatch: pytest.MonkeyPatch
):
    deploy(world.ledger.url.database)
    monkeypatch.setenv("AIRFLOW__EDFI_CTE__SETTINGS_FILE", "/nowhere/edfi_cte.yaml")
    html = as_user("viewer").get("/")
    assert TARGET in html
    assert "can't read the settings file" in html
    assert "3 deletes wait for a person" in html, "toggles are not known"
    assert "/nowhere" not in html, "a path is for who may edit the DAG"
    assert "/nowhere" in as_user("admin").get("/")
    assert "can&#39;t be shown" in as_user("admin").get("/preferences").replace("can't", "can&#39;t")


def test_a_fault_of_a_page_has_a_page(world: World, deploy: Callable[..., None], as_user: Any, monkeypatch: Any):
    from edfi_cte.ledger import overview

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    deploy(world.ledger.url.database)
    monkeypatch.setattr(overview, "last_runs", fail)
    answer = as_user("admin").answer("/")
    assert answer.status_code == 500
    assert "An error in these pages" in answer.text
    assert "ZeroDivision" not in answer.text
    assert "frame-ancestors" in answer.headers["content-security-policy"]


def test_a_refusal_keeps_the_headers_that_airflow_gives_it():
    """Airflow drops a session's cookie by one."""
    app = FastAPI()
    register(app)

    @app.get("/")
    def refuse(status: int) -> None:
        raise HTTPException(status, "of Airflow's own", headers={"Set-Cookie": "_token=; Max-Age=0"})

    client = TestClient(app)
    for status, said in (
        (401, ("Your session has ended", "Sign in to Airflow again")),
        (403, ("Not for you", "Airflow administrator")),
        (404, ("Not found", "of Airflow&#39;s own")),
        (409, ("Conflict", "of Airflow&#39;s own")),
    ):
        answer = client.get("/", params={"status": status})
        assert answer.status_code == status
        assert answer.headers["set-cookie"] == "_token=; Max-Age=0"
        assert all(part in answer.text for part in said), answer.text
    assert client.get("/").status_code == 400
    assert "impossible value for status." in client.get("/", params={"status": "x"}).text


def test_the_servers_log_has_a_drivers_first_line_and_no_row():
    error = sa.exc.OperationalError("SELECT :id", {"id": "1000000001"}, RuntimeError("no host 'x'\n1000000001"))
    assert _said(error) == "no host 'x'"
    unavailable = LedgerUnavailable("The ledger does not answer.")
    unavailable.__context__ = error
    assert _said(unavailable) == "no host 'x'"
    assert _said(LedgerUnavailable("The ledger does not answer.\nMore.")) == "The ledger does not answer."
    assert _said(sa.exc.OperationalError("SELECT :id", {"id": "1000000001"}, RuntimeError(""))) == "no answer"


def test_what_reads_can_not_write(ledger: Path):
    with (
        reading(reading_engine(f"sqlite:///{ledger}")) as connection,
        pytest.raises(sa.exc.OperationalError, match="readonly"),
    ):
        connection.execute(sa.text("DELETE FROM edfi_cte_run"))


def test_what_reads_postgresql_can_not_write(postgres_database: str):
    open_ledger(postgres_database).dispose()
    with (
        reading(reading_engine(postgres_database)) as connection,
        pytest.raises(sa.exc.InternalError, match="read-only"),
    ):
        connection.execute(sa.text("DELETE FROM edfi_cte_run"))


def test_a_statement_ends_in_time(ledger: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edfi_cte.ledger.reading.STATEMENT_SECONDS", 0.2)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with (
        reading(reading_engine(f"sqlite:///{ledger}")) as connection,
        pytest.raises(sa.exc.OperationalError, match="interrupted"),
    ):
        connection.execute(sa.text(endless))


def test_more_readers_than_the_pool_has_are_told_to_come_again(
    ledger: Path, deploy: Callable[..., None], as_user: Any, monkeypatch: pytest.MonkeyPatch
):
    from edfi_cte.ledger import overview

    deploy(ledger)
    held, go_on = threading.Barrier(3), threading.Event()
    read = overview.last_runs

    def slowly(connection: Any) -> Any:
        held.wait(20)
        go_on.wait(20)
        return read(connection)

    monkeypatch.setattr(overview, "last_runs", slowly)
    pages = as_user("viewer")
    threads = [threading.Thread(target=pages.get) for _ in range(2)]
    for thread in threads:
        thread.start()
    held.wait(20)
    try:
        assert "The ledger is busy" in pages.get("/", 503)
    finally:
        go_on.set()
        for thread in threads:
            thread.join(20)


def test_a_ledger_that_failed_is_forgotten_with_its_connections(ledger: Path):
    source = Source()
    source._engines["ledger"] = engine = reading_engine(f"sqlite:///{ledger}")
    with pytest.raises(sa.exc.OperationalError), source.ledger("ledger") as connection:
        connection.execute(sa.text("SELECT no_such_column"))
    assert source._engines == {}
    assert engine.pool.status().startswith("Pool size: 2  Connections in pool: 0")
    source._forget("ledger")  # by another thread, which met the same fault


def test_a_statement_within_its_time_is_let_through(ledger: Path):
    """SQLite asks every so many instructions whether to go on; this one is asked for some time."""
    engine = reading_engine(f"sqlite:///{ledger}")
    count = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000) SELECT COUNT(*) FROM n"
    with reading(engine) as connection:
        assert connection.scalar(sa.text(count)) == 100_000
    engine.dispose()
