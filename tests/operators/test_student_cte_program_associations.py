"""Airflow tries again what may pass by itself, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from edfi_cte.operators.student_cte_program_associations import PARAMS, SyncStepOperator, _is_retry
from sandbox.ods import serve
from tests.deployment import Deployment
from tests.sync.ods_seed import seed


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None) -> Iterator[Deployment]:
    with serve(seed=seed(), api="7.3") as ods:
        yield Deployment(tmp_path, ods, monkeypatch)


def execute(step: str, run_id: str = "run") -> Any:
    operator = SyncStepOperator(task_id=step, step=step, target_ids=["039141-2026"])
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
    assert "connecting through the Airflow connection 'campus'" in str(error)
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


@pytest.mark.parametrize(
    ("try_number", "max_tries", "retry"),
    [(1, 2, False), (2, 2, True), (3, 2, True), (4, 5, False), (5, 5, True)],
    ids=["first", "second", "last", "cleared", "retried after a clear"],
)
def test_a_retry_is_told_from_a_cleared_task(try_number: int, max_tries: int, retry: bool):
    """As Airflow counts: clearing sets max_tries to the tries so far and the retries."""
    operator = SyncStepOperator(task_id="extract", step="extract", target_ids=["a", "b"], retries=2)
    none: Any = {}
    context: Any = {"ti": SimpleNamespace(try_number=try_number, max_tries=max_tries)}
    assert _is_retry(operator, context) is retry
    assert _is_retry(operator, none) is False, "where no task is run"
