"""The tasks of the sync: thin operators over :mod:`edfi_cte.sync`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    Asset,
    AssetAlias,
    BaseOperator,
    Context,
    Param,
)

from edfi_cte.deployment import current_settings, dag_settings, open_lane
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger.database import faults_explained
from edfi_cte.operators.deadline import deadline_alert
from edfi_cte.sync.lane import SHARED_STEPS, Lane, RunOptions, Shard, StepSkipped
from edfi_cte.sync.report import report
from edfi_cte.sync.steps import run_step

ASSETS = AssetAlias("edfi_cte_student_cte_program_associations")
WHOLE = Shard()
T = TypeVar("T")

PARAMS = {
    "scope_year": Param(
        None,
        type=["null", "integer"],
        title="Scope year",
        description="One school year by its ending year (2026 = 2025-26). Empty: every configured year.",
    ),
    "dry_run": Param(
        False,
        type="boolean",
        title="Dry run",
        description="Read Campus and report what would be sent, but send nothing.",
    ),
    "resync": Param(
        True,
        type="boolean",
        title="Resync",
        description="Compare with what the ODS really holds: repair what is missing or was edited there, and delete "
        "records of ours that nothing in Campus stands behind.",
    ),
    "allow_mass_delete": Param(
        False,
        type="boolean",
        title="Allow mass delete",
        description="Let this run delete more than the guards allow. Read the message of the stopped run first.",
    ),
}


def dag_arguments() -> dict[str, Any]:
    """The DAG's arguments that a cluster's team may set in the settings file (``dag:``)."""
    chosen = dag_settings()
    deadline = chosen.deadline_minutes and deadline_alert(chosen.deadline_minutes, chosen.deadline_callback)
    return {
        **({"deadline": deadline} if deadline else {}),
        "schedule": chosen.schedule,
        "tags": list(chosen.tags),
        "default_args": {
            "owner": chosen.owner,
            "retries": chosen.retries,
            "retry_delay": timedelta(minutes=chosen.retry_delay_minutes),
            "execution_timeout": timedelta(minutes=chosen.execution_timeout_minutes),
            "pool": chosen.pool,
            **({"queue": chosen.queue} if chosen.queue else {}),
        },
    }


def run_options(params: dict[str, Any]) -> RunOptions:
    """The DAG's params as the sync takes them."""
    return RunOptions(
        dry_run=params["dry_run"], resync=params["resync"], allow_mass_delete=params["allow_mass_delete"]
    )


class ConfiguredTargetsOperator(BaseOperator):
    """Returns the ids of the targets that the run is for: those of the param ``scope_year``, or all."""

    def execute(self, context: Context) -> list[str]:
        """Fails with one sentence if the settings are wrong or the scope year is not configured."""
        scope_year = context["params"]["scope_year"]
        return _explained(self, lambda: [t.target_id for t in current_settings().targets_of(scope_year)])


class SyncStepOperator(BaseOperator):
    """One step of the sync for one target. XCom: what it counted."""

    template_fields = ("target_id",)

    def __init__(self, *, step: str, target_id: str, shard: Shard = WHOLE, **kwargs: Any) -> None:
        super().__init__(map_index_template="{{ task.target_id }}", **kwargs)
        self.step = step
        self.target_id = target_id
        self.shard = shard

    def execute(self, context: Context) -> dict[str, Any]:
        """Does the step; see :data:`edfi_cte.sync.steps.STEPS`."""
        return _explained(self, lambda: run_step(self._lane(context), self.step))

    def _lane(self, context: Context) -> Lane:
        options = run_options(dict(context["params"]))
        return replace(open_lane(self.target_id, context["run_id"], options), shard=self.shard)


def step_tasks(step: str, target_id: str) -> list[BaseOperator]:
    """The task of a step; of a sending one as many as the settings say (``dag.sending_tasks``).

    Plain tasks, since Airflow maps no task inside a mapped task group.
    """
    count = dag_settings().sending_tasks if step in SHARED_STEPS else 1
    if count == 1:
        return [SyncStepOperator(task_id=step, step=step, target_id=target_id)]
    return [
        SyncStepOperator(task_id=f"{step}_{index + 1}", step=step, target_id=target_id, shard=Shard(index, count))
        for index in range(count)
    ]


class SyncReportOperator(BaseOperator):
    """Accounts for a target's run whatever became of its steps; fails if one of them did.

    XCom and the asset event's extra: the counts.
    """

    template_fields = ("target_id",)

    def __init__(self, *, target_id: str, **kwargs: Any) -> None:
        super().__init__(map_index_template="{{ task.target_id }}", outlets=[ASSETS], **kwargs)
        self.target_id = target_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Logs the table, and tells the asset of the target."""
        lane = _explained(
            self, lambda: open_lane(self.target_id, context["run_id"], run_options(dict(context["params"])))
        )
        result = _explained(self, lambda: report(lane))
        self.log.info("\n%s", result.table())
        if result.status == "failed":
            raise AirflowFailException(result.message or "a step failed; see its log")
        if result.status == "ok":
            asset = Asset(name=f"edfi_cte_{self.target_id}", uri=f"x-edfi-cte://{self.target_id}")
            context["outlet_events"][ASSETS].add(asset, extra={"target": self.target_id, **result.counts})
        return result.counts


def _explained(operator: BaseOperator, work: Callable[[], T]) -> T:
    """Do the work; what its user can mend ends as one message, retried only where that may help."""
    try:
        with faults_explained():
            return work()
    except StepSkipped as skipped:
        raise AirflowSkipException(str(skipped)) from None
    except EdfiCteError as error:
        operator.log.error("%s", error)  # noqa: TRY400 - the sentence is what its reader needs
        kind = AirflowException if error.transient else AirflowFailException
        raise kind(str(error)) from None
