"""Two DAGs, or two Airflows, with one ledger: runs of one id are two runs, and one of them has the target."""

from pathlib import Path
from typing import Any

import pytest

from edfi_cte.sync.lane import STEP_NAMES
from sandbox.ods import serve
from tests.conftest import ROOT
from tests.deployment import Deployment
from tests.sync.ods_seed import seed
from tests.sync.world import RESOURCE

pytestmark = pytest.mark.slow

DAG = (ROOT / "dags" / "student_cte_program_associations.py").read_text()
RUN_ID = "manual__2026-01-05T00:00:00+00:00"
"""As two schedules that are alike have it."""


@pytest.fixture
def ods() -> Any:
    with serve(seed=seed(), api="7.3") as running:
        yield running


@pytest.fixture
def deployment(ods: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(tmp_path, ods, monkeypatch)


def stopping_after(text: str, step: str) -> str:
    """The DAG's text, with no task after ``step``: a run that has come so far."""
    names = STEP_NAMES[: STEP_NAMES.index(step) + 1]
    for old, new in (
        ("for name in STEPS]", f"for name in {names}]"),
        ("reports = report_tasks(target_ids, __file__)", "reports = []"),
        ("cross_downstream([task for", "() and cross_downstream([task for"),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


def run(folder: Path, dag_id: str, text: str) -> Any:
    """A run of the same id, of a DAG of this text."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    folder.mkdir()
    (folder / f"{dag_id}.py").write_text(text.replace('student_cte_program_associations"', f'{dag_id}"'))
    bag = DagBag(str(folder))
    assert bag.import_errors == {}
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    return bag.dags[dag_id].test()


def test_the_second_of_two_dags_is_refused_and_changes_nothing(
    airflow_db: None, deployment: Deployment, ods: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("airflow.models.dagrun.DagRun.generate_run_id", lambda **_: RUN_ID)
    deployment.deploy()
    first = run(tmp_path / "first", "first_dag", stopping_after(DAG, "transform"))
    second = run(tmp_path / "second", "second_dag", DAG)
    assert first.run_id == second.run_id
    assert (first.state, second.state) == ("success", "failed")
    assert ods.control.documents(RESOURCE) == []
    entries = deployment.entries()
    assert entries[first.run_id][0] == "running"
    status, message = entries[f"{first.run_id} of second_dag"]
    assert status == "failed"
    assert f"run '{first.run_id}' of first_dag is at work on it" in message
