"""What a cluster's team sets of the DAG in the settings file (``dag:``) arrives in the DAG that Airflow stores."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.exceptions import ParamValidationError

from edfi_cte.operators.deadline import log_missed_deadline
from edfi_cte.operators.student_cte_program_associations import PARAMS
from edfi_cte.sync.steps import STEPS
from tests.conftest import ROOT
from tests.deployment import target

DAG = "student_cte_program_associations"


@pytest.fixture
def dag(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The DAG under the settings of the test's parameter, as it comes back out of Airflow's database."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    path = tmp_path / "edfi_cte.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "targets": [target(2026)], "dag": request.param}))
    monkeypatch.setenv("AIRFLOW__EDFI_CTE__SETTINGS_FILE", str(path))
    bag = DagBag(str(ROOT / "dags"))
    assert bag.import_errors == {}
    return DagSerialization.from_dict(DagSerialization.to_dict(bag.dags[DAG]))


CHOSEN = {
    "schedule": "30 4 * * 1-5",
    "retries": 4,
    "retry_delay_minutes": 1.5,
    "execution_timeout_minutes": 45,
    "pool": "campus",
    "queue": "intranet",
    "owner": "data-engineering",
    "tags": ["nightly"],
    "sending_tasks": 2,
}


@pytest.mark.parametrize("dag", [CHOSEN], indirect=True)
def test_schedule_pool_queue_retries_and_timeout(dag: Any) -> None:
    assert dag.timetable.summary == "30 4 * * 1-5"
    assert dag.tags == {"nightly"}
    assert {"target.upsert_1", "target.upsert_2", "target.extract"} <= set(dag.task_ids)
    for task in dag.tasks:
        assert (task.retries, task.retry_delay) == (4, timedelta(seconds=90))
        assert task.execution_timeout == timedelta(minutes=45)
        assert (task.pool, task.queue, task.owner) == ("campus", "intranet", "data-engineering")


@pytest.mark.parametrize("dag", [{}, {"lanes_per_task": 50}], indirect=True)
def test_a_lane_that_has_begun_is_ended_before_another_begins(dag: Any) -> None:
    steps = [*(f"target.{name}" for name in STEPS), "target.report"]
    tasks = [dag.get_task(task_id) for task_id in steps]
    weights = [task.weight_rule.get_weight(SimpleNamespace(task=task)) for task in tasks]
    assert weights == sorted(set(weights)), "each step comes before the one before it of another lane"


@pytest.mark.parametrize("dag", [{"schedule": None}], indirect=True)
def test_a_dag_that_is_only_triggered_and_has_no_deadline(dag: Any) -> None:
    assert dag.timetable.can_be_scheduled is False
    assert not dag.deadline


@pytest.mark.parametrize("dag", [{"deadline_minutes": 90, "deadline_callback": "ours.alerts.page"}], indirect=True)
def test_a_deadline_with_a_callback_of_the_teams_own(dag: Any) -> None:
    [stored] = dag.deadline
    assert "5400" in repr(stored)
    assert "ours.alerts.page" in repr(stored)
    assert "DagRunQueuedAtDeadline" in repr(stored)


def test_a_missed_deadline_is_told_by_default(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        asyncio.run(log_missed_deadline(context={"dag_run": {"dag_id": DAG, "dag_run_id": "nightly"}}))
    assert "run 'nightly' has missed its deadline" in caplog.text


ATTEMPTS = [
    "2026; DROP TABLE Enrollment",
    "2026' OR '1'='1",
    "[2026]",
    "\uff12\uff10\uff12\uff16",
    "{{ 7 * 7 }}",
    [2026],
    2026.5,
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("name", PARAMS)
def test_an_injection_into_a_param_is_refused(name: str, attempt: Any) -> None:
    with pytest.raises(ParamValidationError, match=r"is not of type|is not one of|does not match"):
        PARAMS[name].resolve(attempt)
