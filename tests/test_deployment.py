"""Where the package meets its Airflow: lineage, and tokens that processes share."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from edfi_cte.ledger.database import LedgerError, open_ledger
from edfi_cte.ledger.tokens import LedgerTokenStore
from edfi_cte.sync.checks import check_tokens
from edfi_cte.sync.lane import RunOptions
from sandbox.ods import serve
from tests.deployment import Deployment
from tests.sync.ods_seed import seed


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
