"""The tasks of the sync: thin operators over :mod:`edfi_cte.sync`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from airflow.configuration import conf
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    Asset,
    AssetAlias,
    BaseOperator,
    Context,
    Param,
    TriggerRule,
)

from edfi_cte.deployment import current_settings, dag_settings, lanes_a_task, open_lane
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger.database import faults_explained
from edfi_cte.operators.deadline import deadline_alert
from edfi_cte.sync.batch import Batch, batches, each, step_of_each, succeeded
from edfi_cte.sync.lane import SHARED_STEPS, STEP_NAMES, Lane, RunOptions, Shard, StepFailed, StepSkipped
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
            # Depth first: a lane's next step before another lane's first, so that a lane which has begun soon ends.
            "weight_rule": "upstream",
            **({"queue": chosen.queue} if chosen.queue else {}),
        },
    }


def run_options(params: dict[str, Any]) -> RunOptions:
    """The DAG's params as the sync takes them."""
    return RunOptions(
        dry_run=params["dry_run"], resync=params["resync"], allow_mass_delete=params["allow_mass_delete"]
    )


class ConfiguredTargetsOperator(BaseOperator):
    """Returns a list of target ids for each mapped task: of the param ``scope_year``, or all."""

    def execute(self, context: Context) -> list[list[str]]:
        """Fails with one sentence if the settings are wrong or the scope year is not configured."""
        scope_year = context["params"]["scope_year"]
        targets = _explained(self, lambda: current_settings().targets_of(scope_year))
        most = conf.getint("core", "max_map_length", fallback=1024)
        return batches([target.target_id for target in targets], lanes_a_task(), most)


NAMES = (
    "{% set ids = task.target_ids %}{{ ids[0] }}"
    "{% if ids | length > 1 %} to {{ ids[-1] }} ({{ ids | length }} lanes){% endif %}"
)
"""What the grid calls a mapped task: its target, or the first and last of several."""


class SyncStepOperator(BaseOperator):
    """One step of the sync for one target, or for several, one after the other.

    XCom: what it counted; of several targets, by target.
    """

    template_fields = ("target_ids",)

    def __init__(self, *, step: str, target_ids: list[str], shard: Shard = WHOLE, **kwargs: Any) -> None:
        super().__init__(map_index_template=NAMES, **kwargs)
        self.step = step
        self.target_ids = target_ids
        self.shard = shard

    def execute(self, context: Context) -> dict[str, Any]:
        """Does the step; see :data:`edfi_cte.sync.steps.STEPS`. Fails with the names of the lanes that did."""
        if len(self.target_ids) == 1 and self.trigger_rule == TriggerRule.ALL_SUCCESS:
            [target_id] = self.target_ids
            return _explained(self, lambda: run_step(self._lane(context, target_id), self.step))
        again = _is_retry(self, context)
        done = step_of_each(lambda one: self._lane(context, one), self.target_ids, self.step, again=again)
        if not done.done and not done.failed:
            raise AirflowSkipException("every lane was passed over: " + "; ".join(sorted(set(done.passed.values()))))
        return _of_all(done)

    def _lane(self, context: Context, target_id: str) -> Lane:
        return replace(_lane_of(context, target_id), shard=self.shard)


def step_tasks(step: str, target_ids: list[str]) -> list[BaseOperator]:
    """The task of a step; of a sending one as many as the settings say (``dag.sending_tasks``).

    Plain tasks, since Airflow maps no task inside a mapped task group. Where a task takes several lanes, a step
    begins though some have failed the one before it: those are passed over.
    """
    count = dag_settings().sending_tasks if step in SHARED_STEPS else 1
    together = lanes_a_task() > 1 and step != STEP_NAMES[0]
    rule = TriggerRule.ALL_DONE if together else TriggerRule.ALL_SUCCESS
    if count == 1:
        return [SyncStepOperator(task_id=step, step=step, target_ids=target_ids, trigger_rule=rule)]
    return [
        SyncStepOperator(
            task_id=f"{step}_{index + 1}",
            step=step,
            target_ids=target_ids,
            shard=Shard(index, count),
            trigger_rule=rule,
        )
        for index in range(count)
    ]


class SyncReportOperator(BaseOperator):
    """Accounts for a target's run whatever became of its steps; fails if one of them did, unless ``together``.

    XCom and the asset event's extra: the counts; in the XCom of several targets, by target. Airflow tells an asset
    nothing of a task that fails, so of lanes that share a task :class:`LanesOutcomeOperator` says which did.
    """

    template_fields = ("target_ids",)

    def __init__(self, *, target_ids: list[str], together: bool = False, **kwargs: Any) -> None:
        super().__init__(map_index_template=NAMES, outlets=[ASSETS], **kwargs)
        self.target_ids = target_ids
        self.together = together

    def execute(self, context: Context) -> dict[str, Any]:
        """Logs the table, and tells the asset, of each target."""
        if self.together:
            return each(self.target_ids, lambda target_id: self._report(context, target_id)).done
        [target_id] = self.target_ids
        return _explained(self, lambda: self._report(context, target_id))

    def _report(self, context: Context, target_id: str) -> dict[str, Any]:
        result = report(_lane_of(context, target_id))
        self.log.info("\n%s", result.table())
        if result.status == "failed":
            raise StepFailed(result.message or "a step failed; see its log")
        if result.status == "ok":
            asset = Asset(name=f"edfi_cte_{target_id}", uri=f"x-edfi-cte://{target_id}")
            context["outlet_events"][ASSETS].add(asset, extra={"target": target_id, **result.counts})
        return result.counts


class LanesOutcomeOperator(BaseOperator):
    """Fails with the names of the lanes whose run has failed, after the reports of all that shared a task."""

    template_fields = ("target_ids",)

    def __init__(self, *, target_ids: list[str], **kwargs: Any) -> None:
        super().__init__(map_index_template=NAMES, **kwargs)
        self.target_ids = target_ids

    def execute(self, context: Context) -> None:
        """Looks into the ledger's history."""
        outcome = each(self.target_ids, lambda target_id: succeeded(_lane_of(context, target_id)))
        if outcome.failed:
            raise AirflowFailException(str(outcome))


def report_tasks(target_ids: list[str]) -> list[list[BaseOperator]]:
    """The last tasks of a lane, or of several, one after the other."""
    together = lanes_a_task() > 1
    report = SyncReportOperator(task_id="report", target_ids=target_ids, together=together, trigger_rule="all_done")
    if not together:
        return [[report]]
    return [[report], [LanesOutcomeOperator(task_id="outcome", target_ids=target_ids, trigger_rule="all_done")]]


def _lane_of(context: Context, target_id: str) -> Lane:
    return open_lane(target_id, context["run_id"], run_options(dict(context["params"])))


def _is_retry(operator: BaseOperator, context: Context) -> bool:
    """Whether an earlier try of the same order has failed; a task that was cleared does all of its work again."""
    task_instance: Any = context.get("ti")
    if task_instance is None:
        return False
    return bool(task_instance.try_number > task_instance.max_tries - (operator.retries or 0) + 1)


def _of_all(batch: Batch) -> dict[str, Any]:
    """What each lane counted. Fails with the names of those that failed, to be retried where that may help one."""
    if batch.failed:
        raise (AirflowException if batch.transient else AirflowFailException)(str(batch))
    return batch.done


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
