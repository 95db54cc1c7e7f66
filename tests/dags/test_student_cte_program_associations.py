"""The DAG, run by Airflow itself: the whole way once, and each mistake of its user ending in one sentence."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from sandbox import oracle
from sandbox.campus import load
from sandbox.ods import serve
from tests.sync.world import RESOURCE, Campus, bare, seed

pytestmark = pytest.mark.slow

DAG = "student_cte_program_associations"


@pytest.fixture(scope="module")
def ods() -> Any:
    with serve(seed=seed(), api="7.3") as running:
        yield running


class Deployment:
    """An Airflow's settings file and connections, on a Campus and a ledger of the test's own."""

    def __init__(self, folder: Path, ods: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._set = folder, monkeypatch.setenv
        self.rows = Campus()
        self.rows.add(1)
        self.rows.add(2, person=2, noShow=True)
        self.campus = folder / "campus.duckdb"
        self.ledger = folder / "ledger.sqlite"
        target = {"district_number": "039141", "scope_year": 2026, "campus_conn_id": "campus", "edfi_conn_id": "edfi"}
        self.settings: dict[str, Any] = {"version": 1, "targets": [target], "dag": {"retries": 0}}
        self.ods = {"conn_type": "edfi", "host": ods.base_url, "login": ods.key, "password": ods.secret}

    def deploy(self, settings: str | None = None) -> None:
        path = self._folder / "edfi_cte.yaml"
        path.write_text(settings or yaml.safe_dump(self.settings))
        load(self.campus, self.rows.tables)
        self._set("AIRFLOW__EDFI_CTE__SETTINGS_FILE", str(path))
        campus = {"conn_type": "duckdb", "host": str(self.campus), "extra": {"read_only": True}}
        self._set("AIRFLOW_CONN_CAMPUS", json.dumps(campus))
        self._set("AIRFLOW_CONN_EDFI_CTE_LEDGER", json.dumps({"conn_type": "sqlite", "host": str(self.ledger)}))
        self._set("AIRFLOW_CONN_EDFI", json.dumps(self.ods | {"extra": {"tries": 1}}))

    def last_run(self) -> tuple[str, str | None]:
        with sqlite3.connect(self.ledger) as ledger:
            return ledger.execute("SELECT status, message FROM edfi_cte_run ORDER BY started_at DESC").fetchone()


@pytest.fixture
def deployment(tmp_path: Path, ods: Any, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    ods.control.reset()
    return Deployment(tmp_path, ods, monkeypatch)


def states(dag_run: Any) -> dict[str, str]:
    return {ti.task_id.rpartition(".")[2]: str(ti.state) for ti in dag_run.get_task_instances()}


def test_a_run_brings_the_ods_to_what_campus_derives(deployment: Deployment, ods: Any, run_dag: Callable[..., Any]):
    deployment.deploy()
    done = run_dag(DAG, {"scope_year": 2026})
    assert str(done.state) == "success"
    assert set(states(done).values()) == {"success"}
    target = deployment.settings["targets"][0] | {"preferences": {}}
    wanted = oracle.expected(deployment.campus, 2026, target)
    there = {oracle.key_of(d): bare(d) for d in ods.control.documents(RESOURCE)}
    assert there == {key: bare(document) for key, document in wanted.items()} != {}
    assert deployment.last_run() == ("ok", None)


def test_a_dry_run_skips_what_sends(deployment: Deployment, ods: Any, run_dag: Callable[..., Any]):
    deployment.deploy()
    done = run_dag(DAG, {"dry_run": True})
    assert str(done.state) == "success"
    assert states(done)["upsert"] == states(done)["resync_ods"] == "skipped"
    assert ods.control.documents(RESOURCE) == []


def test_a_toggle_that_is_off_skips_the_lane(deployment: Deployment, ods: Any, run_dag: Callable[..., Any]):
    deployment.settings["targets"][0]["enabled"] = False
    deployment.deploy()
    done = run_dag(DAG)
    assert str(done.state) == "success"
    assert deployment.last_run()[0] == "off"
    assert ods.control.documents(RESOURCE) == []


@pytest.mark.parametrize("year", [1899, 2024])
def test_a_year_that_is_not_configured_ends_in_one_sentence(
    deployment: Deployment, ods: Any, run_dag: Callable[..., Any], capfd: pytest.CaptureFixture[str], year: int
):
    deployment.deploy()
    done = run_dag(DAG, {"scope_year": year})
    assert str(done.state) == "failed"
    assert f"scope year {year} is not configured" in "".join(capfd.readouterr())
    assert not deployment.ledger.exists()
    assert ods.control.documents(RESOURCE) == []


def test_a_year_that_is_text_is_refused_by_the_form(deployment: Deployment, run_dag: Callable[..., Any]):
    from airflow.exceptions import ParamValidationError

    deployment.deploy()
    with pytest.raises(ParamValidationError, match=r"scope_year.*'next' is not of type"):
        run_dag(DAG, {"scope_year": "next"})
    assert not deployment.ledger.exists()


def wrong_secret(deployment: Deployment) -> None:
    deployment.ods["password"] = "not-the-secret"


def unreachable(deployment: Deployment) -> None:
    deployment.ods["host"] = "http://127.0.0.1:9/api"


def missing_column(deployment: Deployment) -> None:
    with duckdb.connect(str(deployment.campus)) as campus:
        campus.execute('ALTER TABLE dbo.EnrollmentMO RENAME "careerCluster" TO "cteCluster"')


def wrong_connection(deployment: Deployment) -> None:
    deployment.settings["targets"][0]["campus_conn_id"] = "no_such_connection"


def typo_in_preferences(deployment: Deployment) -> None:
    deployment.settings["preferences"] = {"default": {"send_enddate": True}}


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (wrong_secret, ["edfi", "key and secret"]),
        (unreachable, ["127.0.0.1:9", "cannot be reached"]),
        (missing_column, ["careerCluster", "campus_mapping.sql"]),
        (wrong_connection, ["'no_such_connection' is not defined", "airflow connections add"]),
        (typo_in_preferences, ["edfi_cte.yaml, line", "send_enddate", "allowed here", "send_end_date"]),
    ],
)
def test_preflight_names_what_is_wrong_and_what_to_do(
    deployment: Deployment,
    ods: Any,
    run_dag: Callable[..., Any],
    mistake: Callable[[Deployment], None],
    said: list[str],
):
    if mistake is not missing_column:
        mistake(deployment)
    deployment.deploy()
    if mistake is missing_column:
        mistake(deployment)
    done = run_dag(DAG, {"scope_year": 2026})
    assert str(done.state) == "failed"
    assert states(done)["preflight"] == "failed"
    status, message = deployment.last_run()
    assert status == "failed"
    assert all(part in (message or "") for part in said), message
    assert ods.control.documents(RESOURCE) == []
