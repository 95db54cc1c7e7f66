"""Airflow tries again what may pass by itself, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from edfi_cte.operators.student_cte_program_associations import PARAMS, SyncStepOperator
from sandbox.ods import serve
from tests.deployment import Deployment
from tests.sync.world import seed


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None) -> Iterator[Deployment]:
    with serve(seed=seed(), api="7.3") as ods:
        yield Deployment(tmp_path, ods, monkeypatch)


def execute(step: str, run_id: str = "run") -> Any:
    operator = SyncStepOperator(task_id=step, step=step, target_id="039141-2026")
    params: Any = {name: param.value for name, param in PARAMS.items()}
    return operator.execute({"params": params, "run_id": run_id})


def failure(step: str, run_id: str = "run") -> Exception:
    with pytest.raises(AirflowException) as failed:
        execute(step, run_id)
    return failed.value


def test_a_campus_that_cannot_be_reached_is_tried_again(deployment: Deployment):
    deployment.deploy()
    execute("preflight")
    deployment.campus.unlink()
    error = failure("extract")
    assert "Campus cannot be reached" in str(error)
    assert not isinstance(error, AirflowFailException)


def test_a_target_that_another_run_works_on_is_tried_again(deployment: Deployment):
    deployment.deploy()
    execute("preflight", "another run")
    error = failure("preflight")
    assert "run 'another run' is at work on it" in str(error)
    assert not isinstance(error, AirflowFailException)


def test_a_mistake_in_the_settings_is_not_tried_again(deployment: Deployment):
    deployment.settings["targets"] = []
    deployment.deploy()
    assert isinstance(failure("preflight"), AirflowFailException)
