"""Where the package meets its Airflow: lineage, and tokens that processes share."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from edfi_cte.ledger.database import LedgerError, open_ledger
from edfi_cte.ledger.tokens import LedgerTokenStore
from edfi_cte.settings import Settings, load_settings
from edfi_cte.sync.checks import check_tokens
from edfi_cte.sync.lane import RunOptions
from sandbox.ods import serve
from tests.deployment import Deployment
from tests.sync.ods_seed import seed
from tests.test_settings import GOOD


def test_reads_of_campus_report_lineage_without_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None
):
    """Airflow's collector is replaced, since it collects only where a lineage provider reads it."""
    from airflow.providers.common.sql.hooks import lineage

    from edfi_cte.deployment import open_lane

    told: list[dict[str, Any]] = []
    monkeypatch.setattr(lineage, "send_sql_hook_lineage", lambda **facts: told.append(facts))
    with serve(seed=seed(), api="7.3") as ods:
        Deployment(tmp_path, ods, monkeypatch).deploy()
    lane = open_lane("039141-2026", "run", RunOptions())
    assert len(list(lane.open_campus().enrollment_records(2026))) == 2
    [records] = [facts for facts in told if "total_records" in facts["sql"]]
    assert records["row_count"] == 2
    assert records["context"].conn_type == "duckdb"
    assert "039141" not in records["sql"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "edfi_cte.yaml"
    path.write_text(GOOD)
    return load_settings(path)


@pytest.mark.parametrize(("extra", "timeout"), [({}, 605), ({"timeout": 5}, 5), ({"timeout": 0}, 0)])
def test_pymssql_itself_ends_a_read_that_takes_too_long_unless_the_connection_says_otherwise(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any], timeout: int
):
    from edfi_cte.deployment import campus_of

    connection = {"conn_type": "mssql", "host": "127.0.0.1", "extra": {"encryption": "require", **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_CAMPUS", json.dumps(connection))
    reader = campus_of(settings, settings.targets[0])
    hook: Any = reader._hook
    assert hook.connection.extra_dejson == {"encryption": "require", "timeout": timeout}
    assert not hook.log_sql, "a statement in a log may name a student"


def test_another_driver_gets_no_limit_that_it_does_not_know(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    from edfi_cte.deployment import campus_of

    monkeypatch.setenv("AIRFLOW_CONN_CAMPUS", json.dumps({"conn_type": "postgres", "host": "127.0.0.1"}))
    hook: Any = campus_of(settings, settings.targets[0])._hook
    assert hook.connection.extra_dejson == {}


def test_a_ledger_is_opened_once_for_each_login(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """A password that was changed is a login of its own: what the old one opened is not gone on with."""
    from edfi_cte import deployment

    monkeypatch.setattr(deployment, "open_ledger", lambda url, *_: sa.create_engine(url))
    monkeypatch.setattr(deployment, "_ledgers", {})

    def opened(password: str) -> sa.Engine:
        login = {"conn_type": "postgres", "host": "127.0.0.1", "login": "edfi", "password": password}
        monkeypatch.setenv("AIRFLOW_CONN_EDFI_CTE_LEDGER", json.dumps(login))
        return deployment.ledger_of(settings)

    assert opened("first") is opened("first")
    assert opened("first") is not opened("second")


def test_a_lane_whose_ods_has_no_connection_says_which(
    settings: Settings, ledger: sa.Engine, monkeypatch: pytest.MonkeyPatch
):
    from edfi_cte.deployment import ConnectionMissing, _ods

    with pytest.raises(ConnectionMissing, match="the Airflow connection 'edfi_2026' is not defined"):
        _ods(settings.targets[0], ledger)
    monkeypatch.setenv("AIRFLOW_CONN_EDFI_2026", "{")
    with pytest.raises(ConnectionMissing, match="AIRFLOW_CONN_EDFI_2026 is set, but Airflow can't read it"):
        _ods(settings.targets[0], ledger)


@pytest.mark.parametrize(
    ("base_url", "icon"),
    [
        ("https://airflow.example.gov/team/", "/team/edfi-cte/static/icon.svg"),
        ("http://localhost:8080", "/edfi-cte/static/icon.svg"),
        ("", "/edfi-cte/static/icon.svg"),
    ],
)
def test_the_plugins_icons_are_below_airflows_own_address(monkeypatch: pytest.MonkeyPatch, base_url: str, icon: str):
    from edfi_cte.plugin import EdFiCtePlugin

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    views = EdFiCtePlugin().external_views
    assert [view["icon"] for view in views] == [icon] * 3
    assert [view["icon_dark_mode"] for view in views] == [icon.replace("icon", "icon-dark")] * 3
    assert [view["destination"] for view in views] == ["nav", "dag", "dag_run"]


def test_the_plugin_hands_airflow_what_writes_a_runs_note():
    from edfi_cte import run_note
    from edfi_cte.plugin import EdFiCtePlugin

    assert EdFiCtePlugin().listeners == [run_note]


@pytest.fixture
def ledger(tmp_path: Path) -> sa.Engine:
    return open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None):
    """The wheel alone brings no driver for PostgreSQL."""
    from edfi_cte.deployment import open_lane

    with serve(seed=seed(), api="7.3") as ods:
        deployment = Deployment(tmp_path, ods, monkeypatch)
        deployment.connection("edfi_cte_ledger", "postgres", host="127.0.0.1", port=9, schema="edfi_cte")
        deployment.deploy()
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(LedgerError, match=r"'edfi_cte_ledger'.*needs the Python package 'psycopg2'"):
        open_lane("039141-2026", "run", RunOptions())


def in_an_hour() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def test_processes_share_a_token_that_is_encrypted_at_rest(ledger: sa.Engine):
    key, expires = Fernet.generate_key().decode(), in_an_hour()
    LedgerTokenStore(ledger, [key]).put("api", "the-token", expires)
    assert LedgerTokenStore(ledger, [key]).get("api") == ("the-token", expires)
    with ledger.connect() as connection:
        assert "the-token" not in repr(connection.execute(sa.text("SELECT * FROM edfi_cte_token")).all())


def test_a_token_that_is_old_or_of_another_fernet_key_is_none(ledger: sa.Engine):
    first, second = (Fernet.generate_key().decode() for _ in range(2))
    LedgerTokenStore(ledger, [first]).put("api", "the-token", in_an_hour())
    assert LedgerTokenStore(ledger, [second]).get("api") is None
    assert LedgerTokenStore(ledger, [second, first]).get("api") is not None
    LedgerTokenStore(ledger, [first]).put("api", "the-token", datetime.now(UTC) - timedelta(seconds=1))
    assert LedgerTokenStore(ledger, [first]).get("api") is None


def test_discarding_a_refused_token_spares_a_newer_one(ledger: sa.Engine):
    store = LedgerTokenStore(ledger, [Fernet.generate_key().decode()])
    store.put("api", "newer", in_an_hour())
    store.discard("api", "older")
    assert store.get("api") is not None
    store.discard("api", "newer")
    assert store.get("api") is None


@pytest.mark.parametrize(("fernet_key", "shared"), [("", False), ("0" * 43 + "=", True)], ids=["without", "with"])
@pytest.mark.usefixtures("airflow_db")
def test_a_token_is_shared_only_where_airflow_has_a_fernet_key(
    tmp_path: Path,
    ledger: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
    airflow_db: None,
    fernet_key: str,
    shared: bool,
):
    """And where it has none, check and preflight say what that means."""
    from edfi_cte.deployment import open_lane, token_store
    from edfi_cte.sync.steps import run_step

    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", fernet_key)
    assert (token_store(ledger) is not None) == shared
    with serve(seed=seed(), api="7.3") as ods:
        Deployment(tmp_path, ods, monkeypatch).deploy()
        lane = open_lane("039141-2026", "run", RunOptions())
        said = [finding.message for finding in check_tokens(lane)]
        assert ["Set [core] fernet_key" in message for message in said] == ([] if shared else [True])
        assert run_step(lane, "preflight")["warnings"] == (0 if shared else 1)


def test_the_processes_of_a_run_use_one_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None):
    from edfi_cte.deployment import open_lane
    from edfi_cte.sync.steps import STEPS, run_step

    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    with serve(seed=seed(), api="7.3") as ods:
        Deployment(tmp_path, ods, monkeypatch).deploy()
        for step in STEPS:
            run_step(open_lane("039141-2026", "run", RunOptions()), step)
        assert ods.control.tokens_issued() == 1
