"""The arguments of the sync's DAG: what a team sets in the settings file (``dag:``), and what holds always."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from inspect import signature
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator, TriggerRule
from airflow.utils.types import DagRunType

from edfi_cte.deployment import dag_settings, lanes_a_task
from edfi_cte.operators.deadline import deadline_alert
from edfi_cte.operators.docs import DAG_DOC, STEP_DOCS
from edfi_cte.operators.notify import notifiers
from edfi_cte.operators.student_cte_program_associations import (
    CONFIGURED,
    ConfiguredTargetsOperator,
    LanesOutcomeOperator,
    SyncReportOperator,
    SyncStepOperator,
)
from edfi_cte.settings import SettingsError
from edfi_cte.sync.lane import SHARED_STEPS, STEP_NAMES, Shard


def dag_arguments(dag_file: str) -> dict[str, Any]:
    """What to give to ``DAG``; ``dag_file`` is its ``__file__``.

    Raises SettingsError while the settings' ``dag:`` can't be read. Airflow then shows the message as an import error
    of the file, keeps the DAG as it last was, and schedules none of its runs: one that was to be triggered by hand
    must not run daily because of a typo.
    """
    try:
        chosen = dag_settings(Path(dag_file))
        for setting in ("on_failure", "on_waiting"):
            notifiers(setting, getattr(chosen, setting))
    except SettingsError as error:
        raise SettingsError(str(error)) from None
    deadline = chosen.deadline_minutes and deadline_alert(chosen.deadline_minutes, chosen.deadline_callback)
    return {
        **dict(_run_types()),
        **({"deadline": deadline} if deadline else {}),
        "description": "Student CTE Program Associations: Infinite Campus to the state's Ed-Fi ODS",
        "doc_md": DAG_DOC,
        "catchup": False,
        "max_active_runs": 1,
        "schedule": chosen.schedule,
        "tags": list(chosen.tags),
        "default_args": {
            "owner": chosen.owner,
            "retries": chosen.retries,
            "retry_delay": timedelta(minutes=chosen.retry_delay_minutes),
            "execution_timeout": timedelta(minutes=chosen.execution_timeout_minutes),
            "pool": chosen.pool,
            # Depth first: a lane's next step before another lane's first, so that a lane which has begun soon ends.
            "weight_rule": "upstream",
            **({"queue": chosen.queue} if chosen.queue else {}),
        },
    }


def step_tasks(step: str, target_ids: list[str], dag_file: str) -> list[BaseOperator]:
    """The task of a step; of a sending one as many as the settings say (``dag.sending_tasks``).

    Plain tasks, since Airflow maps no task inside a mapped task group. Where a task takes several lanes, a step
    begins though some have failed the one before it: those are passed over.
    """
    beside = Path(dag_file)
    count = dag_settings(beside).sending_tasks if step in SHARED_STEPS else 1
    together = lanes_a_task(beside) > 1 and step != STEP_NAMES[0]
    common: dict[str, Any] = {
        "step": step,
        "target_ids": target_ids,
        "trigger_rule": TriggerRule.ALL_DONE if together else TriggerRule.ALL_SUCCESS,
        "doc_md": STEP_DOCS[step],
    }
    if count == 1:
        return [SyncStepOperator(task_id=step, **common)]
    return [
        SyncStepOperator(task_id=f"{step}_{index + 1}", shard=Shard(index, count), **common) for index in range(count)
    ]


def report_tasks(target_ids: list[str], dag_file: str) -> list[list[BaseOperator]]:
    """The last tasks of a lane, or of several, one after the other."""
    together = lanes_a_task(Path(dag_file)) > 1
    chosen = dag_settings(Path(dag_file))
    common: dict[str, Any] = {
        "target_ids": target_ids,
        "trigger_rule": TriggerRule.ALL_DONE,
        "on_failure_callback": notifiers("on_failure", chosen.on_failure),
    }
    report = SyncReportOperator(
        task_id="report",
        together=together,
        on_waiting=notifiers("on_waiting", chosen.on_waiting),
        doc_md=STEP_DOCS["report"],
        **common,
    )
    if not together:
        return [[report]]
    return [[report], [LanesOutcomeOperator(task_id="outcome", doc_md=STEP_DOCS["outcome"], **common)]]


def first_task(dag_file: str) -> BaseOperator:
    """Says which targets the run is for."""
    return ConfiguredTargetsOperator(
        task_id=CONFIGURED,
        doc_md=STEP_DOCS[CONFIGURED],
        on_failure_callback=notifiers("on_failure", dag_settings(Path(dag_file)).on_failure),
    )


def _run_types() -> Iterator[tuple[str, Any]]:
    """Every kind of run but a backfill (Airflow 3.2+): the past can't be read from Campus."""
    if "allowed_run_types" in signature(DAG.__init__).parameters:
        yield "allowed_run_types", [kind.value for kind in DagRunType if kind != DagRunType.BACKFILL_JOB]
