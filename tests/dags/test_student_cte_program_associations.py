"""The DAG, run by Airflow itself: the whole way once, and each mistake of its user ending in one sentence."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox import oracle
from sandbox.ods import serve
from tests.deployment import Deployment, run_in_a_home_of_its_own, target
from tests.sync.ods_seed import seed
from tests.sync.world import RESOURCE, bare

pytestmark = pytest.mark.slow

DAG = "student_cte_program_associations"


@pytest.fixture(scope="module")
def ods() -> Iterator[Any]:
    with serve(seed=seed(), api="7.3") as running:
        yield running


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
    wanted = oracle.expected(deployment.campus, 2026, target(2026, preferences={}))
    there = {oracle.key_of(d): bare(d) for d in ods.control.documents(RESOURCE)}
    assert there == {key: bare(document) for key, document in wanted.items()} != {}
    assert deployment.runs() == {"2026": ("ok", "")}
    [event] = asset_events("edfi_cte_039141-2026", done.run_id)
    assert event.extra["sent"] == {"Post": 1, "Put": 0, "Delete": 0, "Delete/Post": 0}
    assert "1000000001" not in repr(event.extra)


def asset_events(name: str, run_id: str) -> list[Any]:
    """What a run told the asset that other DAGs are scheduled on."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session

    with create_session() as session:
        events = session.query(AssetEvent).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        return list(events.filter(AssetModel.name == name, AssetEvent.source_run_id == run_id))


def test_a_dry_run_skips_what_sends(deployment: Deployment, ods: Any, run_dag: Callable[..., Any]):
    deployment.deploy()
    done = run_dag(DAG, {"dry_run": True})
    assert str(done.state) == "success"
    assert states(done)["upsert"] == states(done)["resync_ods"] == "skipped"
    assert ods.control.documents(RESOURCE) == []


def test_each_lane_with_a_mistake_is_named_and_stops_alone(
    deployment: Deployment, ods: Any, run_dag: Callable[..., Any]
):
    deployment.connection("edfi_secret", **deployment.ods | {"password": "not-the-secret"})
    deployment.connection("edfi_nowhere", **deployment.ods | {"host": "http://127.0.0.1:9/api"})
    with duckdb.connect(str(deployment.another_campus("campus_other"))) as campus:
        campus.execute('ALTER TABLE dbo.EnrollmentMO RENAME "careerCluster" TO "cteCluster"')
    deployment.settings["targets"] = [
        target(2026),
        target(2021, edfi_conn_id="edfi_secret"),
        target(2022, edfi_conn_id="edfi_nowhere"),
        target(2023, campus_conn_id="campus_other"),
        target(2024, campus_conn_id="no_such_connection"),
        target(2025, preferences="typo"),
        target(2027, enabled=False),
    ]
    deployment.settings["preferences"] = {"default": {}, "typo": {"send_enddate": True}}
    deployment.settings["dag"]["sending_tasks"] = 2
    deployment.deploy()
    done = run_dag(DAG)
    assert str(done.state) == "failed"
    runs = deployment.runs()
    assert {year: status for year, (status, _) in runs.items()} == {
        "2026": "ok",
        **dict.fromkeys(("2021", "2022", "2023", "2024", "2025"), "failed"),
        "2027": "off",
    }
    for year, said in {
        "2021": ["edfi_secret", "key and secret"],
        "2022": ["127.0.0.1:9", "cannot be reached"],
        "2023": ["careerCluster", "campus_mapping.sql"],
        "2024": ["'no_such_connection' is not defined", "airflow connections add"],
        "2025": ["edfi_cte.yaml, line", "send_enddate", "allowed here", "send_end_date"],
    }.items():
        assert all(part in runs[year][1] for part in said), runs[year]
    assert len(ods.control.documents(RESOURCE)) == 1


def test_lanes_that_share_a_task_are_each_brought_home(deployment: Deployment, ods: Any, run_dag: Callable[..., Any]):
    deployment.connection("edfi_secret", **deployment.ods | {"password": "not-the-secret"})
    deployment.settings["targets"] = [
        target(2021, edfi_conn_id="edfi_secret"),
        target(2026),
        target(2027, enabled=False),
    ]
    deployment.settings["dag"]["lanes_per_task"] = 2
    deployment.deploy()
    done = run_dag(DAG)
    assert str(done.state) == "failed"
    assert {year: status for year, (status, _) in deployment.runs().items()} == {
        "2021": "failed",
        "2026": "ok",
        "2027": "off",
    }
    mapped = {(ti.map_index, ti.task_id.rpartition(".")[2]): str(ti.state) for ti in done.get_task_instances()}
    assert (mapped[0, "preflight"], mapped[0, "upsert"], mapped[0, "report"]) == ("failed", "success", "success")
    assert (mapped[1, "preflight"], mapped[1, "upsert"], mapped[1, "report"]) == ("skipped", "skipped", "success")
    assert (mapped[0, "outcome"], mapped[1, "outcome"]) == ("failed", "success")
    assert len(asset_events("edfi_cte_039141-2026", done.run_id)) == 1
    assert len(ods.control.documents(RESOURCE)) == 1


def test_a_year_that_is_not_configured_ends_in_one_sentence(
    deployment: Deployment, ods: Any, run_dag: Callable[..., Any], capfd: pytest.CaptureFixture[str], caplog: Any
):
    deployment.deploy()
    done = run_dag(DAG, {"scope_year": 1899})
    assert str(done.state) == "failed"
    assert "scope year 1899 is not configured" in caplog.text
    assert "Traceback" not in "".join(capfd.readouterr()) + caplog.text
    assert not deployment.ledger.exists()
    assert ods.control.count() == 0


def test_nothing_private_is_in_what_a_failing_run_wrote(deployment: Deployment, tmp_path: Path):
    """Output, logs at DEBUG and Airflow's own database (XCom, rendered fields); the ledger's columns are its own."""
    deployment.rows.set("Person", 2, stateID="5555555555")
    deployment.rows.set("Enrollment", 2, noShow=False)
    deployment.another_campus("campus")
    deployment.deploy()
    code, written = run_in_a_home_of_its_own(tmp_path, DAG, "--conf", '{"scope_year": 2026}')
    assert code == 0
    with sqlite3.connect(deployment.ledger) as ledger:
        assert ledger.execute("SELECT error_type FROM edfi_cte_attempt").fetchall() == [("not_yet_enrolled",)]
        written["ledger"] = repr(ledger.execute("SELECT * FROM edfi_cte_attempt, edfi_cte_run").fetchall()).encode()
    stored = b"".join(text for name, text in written.items() if name.startswith("airflow.db"))
    assert b"return_value" in stored, "XCom is in what was searched"
    for private in ("5555555555", "1000000001", deployment.ods["password"]):
        assert [name for name, text in written.items() if private.encode() in text] == []


def test_a_year_that_is_text_is_refused_as_the_form_does(deployment: Deployment, run_dag: Callable[..., Any]):
    from airflow.exceptions import ParamValidationError

    deployment.deploy()
    with pytest.raises(ParamValidationError, match=r"scope_year.*'next' is not of type"):
        run_dag(DAG, {"scope_year": "next"})
    assert not deployment.ledger.exists()
