"""Which lanes a run's tasks take, what they hand on of several, and whose settings they read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, AirflowFailException

from edfi_cte.operators import student_cte_program_associations as operators
from sandbox.ods import serve
from tests.deployment import Deployment, target
from tests.sync.ods_seed import seed

LANES = ["039141-2025", "039141-2026"]


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None) -> Iterator[Deployment]:
    with serve(seed=seed(), api="7.3") as ods, serve(seed=seed(), api="7.3") as other:
        deployed = Deployment(tmp_path, ods, monkeypatch)
        deployed.connection("edfi_2025", **deployed.ods | {"host": other.base_url})
        deployed.settings["targets"] = [target(2025), target(2026)]
        deployed.deploy()
        yield deployed


def context(**params: Any) -> Any:
    defaults: Any = {name: param.value for name, param in operators.PARAMS.items()}
    return {"params": defaults | params, "run_id": "run"}


def configured(**params: Any) -> list[list[str]]:
    return operators.ConfiguredTargetsOperator(task_id="configured_targets").execute(context(**params))


def test_a_task_takes_one_lane(deployment: Deployment) -> None:
    assert configured() == [[lane] for lane in LANES]
    assert configured(scope_year=2026) == [LANES[1:]]


def test_the_settings_put_several_lanes_into_a_task(deployment: Deployment) -> None:
    deployment.settings["dag"]["lanes_per_task"] = 2
    deployment.deploy()
    assert configured() == [LANES]


@pytest.mark.parametrize("approve", ["039141-2024:ab12", "039141-2025:ab12, 000001-2026:cd34"])
def test_a_list_of_a_target_that_is_not_of_the_run_is_refused(deployment: Deployment, approve: str) -> None:
    with pytest.raises(AirflowFailException) as failed:
        configured(approve=approve)
    assert "is no list of a target of this run (039141-2025, 039141-2026)" in str(failed.value)


def test_a_list_of_a_target_of_the_run_is_taken(deployment: Deployment) -> None:
    assert configured(approve="039141-2025:ab12", scope_year=2025) == [LANES[:1]]


def test_several_lanes_hand_on_what_each_has_counted(deployment: Deployment) -> None:
    def step(name: str) -> Any:
        operator = operators.SyncStepOperator(task_id=name, step=name, target_ids=LANES, trigger_rule="none_failed")
        return operator.execute(context())

    assert step("preflight").keys() == set(LANES)
    counts = {"extracted": 2, "changed": 2, "gone": 0}
    assert step("extract") == {LANES[0]: counts, LANES[1]: counts}


def test_one_of_several_lanes_that_fails_is_named(deployment: Deployment) -> None:
    deployment.settings["targets"][0]["campus_conn_id"] = "none"
    deployment.deploy()
    operator = operators.SyncStepOperator(task_id="extract", step="preflight", target_ids=LANES)
    with pytest.raises(AirflowException, match=f"^1 of 2 lanes failed, .*: {LANES[0]}$"):
        operator.execute(context())


def test_a_task_reads_the_settings_beside_its_own_dags_file(tmp_path: Path) -> None:
    """In a versioned bundle, that is the folder of the run's version."""
    with DAG("some", schedule=None) as dag:
        task = operators.ConfiguredTargetsOperator(task_id="configured_targets")
    dag.fileloc = str(tmp_path / "dags/some.py")
    assert task.dag_file == tmp_path / "dags/some.py"
    assert operators.ConfiguredTargetsOperator(task_id="alone").dag_file is None
