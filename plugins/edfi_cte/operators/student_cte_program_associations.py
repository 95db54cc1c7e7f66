"""The tasks of the sync: thin operators over :mod:`edfi_cte.sync`."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.providers.common.compat.sdk import (
    AirflowSkipException,
    Asset,
    AssetAlias,
    BaseOperator,
    Context,
    Param,
    TriggerRule,
)

from edfi_cte.deployment import current_settings, lanes_a_task, open_lane
from edfi_cte.ledger.approvals import listed, target_of
from edfi_cte.ledger.leases import LeaseHeld, Owner
from edfi_cte.lines import say
from edfi_cte.operators import metrics
from edfi_cte.operators.notify import Notify, tell
from edfi_cte.operators.outcome import Failed, FailedForNow, explained, told
from edfi_cte.operators.requests import BACKFILL_REFUSED, check_request, is_backfill
from edfi_cte.operators.results import results
from edfi_cte.run_note import KEY, sentence_of
from edfi_cte.sync.batch import Batch, batches, each, step_of_each, succeeded
from edfi_cte.sync.lane import Lane, RunOptions, Shard, StepFailed, StepSkipped
from edfi_cte.sync.report import Report, report
from edfi_cte.sync.steps import run_step

ASSETS = AssetAlias("edfi_cte_student_cte_program_associations")
WHOLE = Shard()
CONFIGURED = "configured_targets"
"""The task whose XCom tells the run from those of other Airflows."""
RUN = "edfi_cte_run"

PARAMS = {
    "scope_year": Param(
        None,
        type=["null", "integer"],
        title="Scope year",
        description="One school year by its ending year (2026 = 2025-26). Empty: every configured year.",
    ),
    "district_number": Param(
        None,
        type=["null", "string"],
        pattern="^[0-9]{1,6}$",
        title="District number",
        description="One district by its State District Number, six digits. Empty: every configured district.",
    ),
    "dry_run": Param(
        False,
        type="boolean",
        title="Dry run",
        description="Read Campus and report what would be sent, but send nothing.",
    ),
    "resync": Param(
        "changes",
        type="string",
        enum=["changes", "full", "off"],
        title="Resync",
        description="Compare with what the ODS really holds: repair what is missing or was edited there, and delete "
        "records of ours that match no record in Campus. changes: read what has changed, where the API tells, "
        "and all every full_resync_days; full: read all now; off: don't compare.",
    ),
    "approve": Param(
        None,
        type=["null", "string"],
        pattern=r"^([0-9]{6}-[0-9]{4}:[0-9a-f]+[\s,;]*)+$",
        title="Approve deletes",
        description="The id of a list of deletes that waits for a person (or is held), as the report names it; "
        "several with a blank between. Only what is on the list, and still stands, is deleted.",
    ),
}


def run_options(context: Context) -> RunOptions:
    """The DAG's params as the sync takes them, and who triggered the run, where Airflow says."""
    params = context["params"]
    return RunOptions(
        dry_run=params["dry_run"],
        resync=params["resync"] != "off",
        whole_resync=params["resync"] == "full",
        approve=params["approve"],
        approved_by=getattr(context.get("dag_run"), "triggering_user_name", None),
    )


def refuse_lists_of_others(approve: str | None, target_ids: list[str]) -> None:
    """Raises StepFailed if ``approve`` names a list that is of no target of the run."""
    for list_id in listed(approve):
        if target_of(list_id) not in target_ids:
            raise StepFailed(
                f"approve: '{list_id}' is no list of a target of this run ({', '.join(target_ids)}). Take the id "
                "from the report of the run that made it, whole."
            )


class SyncOperator(BaseOperator):
    """What the tasks of the sync share: the DAG's file, beside which the settings are."""

    @property
    def dag_file(self) -> Path | None:
        """In a versioned bundle that of the run's version."""
        return Path(self.dag.fileloc) if self.has_dag() else None  # type: ignore[no-untyped-call]

    def lane(self, context: Context, target_id: str) -> Lane:
        """A target's lane in the task's run. Raises SettingsError, ConnectionMissing, LedgerError."""
        lane = open_lane(target_id, context["run_id"], run_options(context), self.dag_file)
        ti: Any = context.get("ti")
        if ti is None:
            return lane
        deployment = str(ti.xcom_pull(task_ids=CONFIGURED, key=RUN, map_indexes=-1) or "")
        return replace(lane, owner=Owner(deployment, ti.dag_id, lane.run_id), task=(ti.task_id, ti.map_index))


class ConfiguredTargetsOperator(SyncOperator):
    """Returns a list of target ids for each mapped task: of ``scope_year`` and ``district_number``.

    XCom also: an id of the run that no other Airflow's run has, though all else of the two be alike.
    """

    def execute(self, context: Context) -> list[list[str]]:
        """Fails with one sentence if the request or the settings are wrong, or the scope year is not configured."""
        try:
            return explained(lambda: self._targets(context))
        except (Failed, FailedForNow, AirflowSkipException) as reason:
            if ti := context.get("ti"):  # Else the run's note would be empty: no lane has begun.
                ti.xcom_push(key=KEY, value=[[True, str(reason)]])
            raise

    def _targets(self, context: Context) -> list[list[str]]:
        run = context.get("dag_run")
        if is_backfill(run):
            raise StepSkipped(BACKFILL_REFUSED)
        check_request(context["params"], run, PARAMS)
        params = context["params"]
        targets = current_settings(self.dag_file).targets_of(params["scope_year"], params["district_number"])
        names = [target.target_id for target in targets]
        refuse_lists_of_others(params["approve"], names)
        what = "target" if len(names) == 1 else "targets"
        say(self.log, logging.INFO, f"{len(names):,} {what}: {', '.join(names)}")
        if ti := context.get("ti"):
            ti.xcom_push(key=RUN, value=str(ti.id))
        most = conf.getint("core", "max_map_length", fallback=1024)
        return batches(names, lanes_a_task(self.dag_file), most)


NAMES = (
    "{% set ids = task.target_ids %}{{ ids[0] }}"
    "{% if ids | length > 1 %} to {{ ids[-1] }} ({{ ids | length }} lanes){% endif %}"
)
"""What the grid calls a mapped task: its target, or the first and last of several."""


class SyncStepOperator(SyncOperator):
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
            lane = explained(lambda: self.lane(context, target_id))
            counts = explained(lambda: self._timed(lane))
            self._say(lane, counts)
            return counts
        again = _is_retry(self, context)
        done = step_of_each(lambda one: self.lane(context, one), self.target_ids, self.step, again=again)
        for target_id, counts in done.done.items():
            metrics.step_took(target_id, self.step, done.seconds[target_id])
            self._say(self.lane(context, target_id), counts)
        if not done.done and not done.failed:
            raise AirflowSkipException("every lane was passed over: " + "; ".join(sorted(set(done.passed.values()))))
        return _of_all(done)

    def lane(self, context: Context, target_id: str) -> Lane:
        """With the task's share of the sending."""
        return replace(super().lane(context, target_id), shard=self.shard)

    def _timed(self, lane: Lane) -> dict[str, Any]:
        began = time.monotonic()
        counts = run_step(lane, self.step)
        metrics.step_took(lane.target_id, self.step, time.monotonic() - began)
        return counts

    def _say(self, lane: Lane, counts: dict[str, Any]) -> None:
        for level, line in results(lane, self.step, counts):
            self.log.log(level, "%s", line)


class SyncReportOperator(SyncOperator):
    """Accounts for a target's run whatever became of its steps; fails if one of them did, unless ``together``.

    XCom and the asset event's extra: the counts; in the XCom of several targets, by target. Airflow tells an asset
    nothing of a task that fails, so of lanes that share a task :class:`LanesOutcomeOperator` says which did.
    """

    template_fields = ("target_ids",)

    def __init__(
        self, *, target_ids: list[str], together: bool = False, on_waiting: Sequence[Notify] = (), **kwargs: Any
    ) -> None:
        super().__init__(map_index_template=NAMES, outlets=[ASSETS], **kwargs)
        self.target_ids = target_ids
        self.on_waiting = on_waiting
        self._sentences: list[list[Any]] = []
        self.together = together

    def execute(self, context: Context) -> dict[str, Any]:
        """Logs the table, and tells the asset, of each target. Tried again where a step is still at work."""
        self._sentences = []
        if self.together:
            reports = each(self.target_ids, lambda target_id: self._report(context, target_id))
            if any(isinstance(error, LeaseHeld) for error in reports.failed.values()):
                raise told(FailedForNow(str(reports)))
            return reports.done
        [target_id] = self.target_ids
        return explained(lambda: self._report(context, target_id))

    def _report(self, context: Context, target_id: str) -> dict[str, Any]:
        lane = self.lane(context, target_id)
        result = report(lane)
        for line in result.table().splitlines():
            self.log.info("%s", line)
        kept_now = metrics.kept_by_state(lane)
        metrics.reported(target_id, result.status, result.counts, kept_now)
        if waiting := kept_now["waiting"]:
            message = f"{target_id}: {waiting:,} records wait for a person. {result.message or ''}".strip()
            tell(self.on_waiting, context, target=target_id, waiting=waiting, message=message)
        self._note(context, result, kept_now["waiting"])
        if result.status == "failed":
            raise StepFailed(result.message or "a step failed; see its log")
        if result.status == "ok":
            asset = Asset(name=f"edfi_cte_{target_id}", uri=f"x-edfi-cte://{target_id}")
            context["outlet_events"][ASSETS].add(asset, extra={"target": target_id, **result.counts})
        return result.counts

    def _note(self, context: Context, result: Report, waiting: int) -> None:
        """Hands on the sentence that becomes the run's note."""
        sentence = sentence_of(result.target_id, result.status, result.message, result.counts, waiting)
        self._sentences.append([result.status == "failed", sentence])
        if ti := context.get("ti"):
            ti.xcom_push(key=KEY, value=self._sentences)


class LanesOutcomeOperator(SyncOperator):
    """Fails with the names of the lanes whose run has failed, after the reports of all that shared a task."""

    template_fields = ("target_ids",)

    def __init__(self, *, target_ids: list[str], **kwargs: Any) -> None:
        super().__init__(map_index_template=NAMES, **kwargs)
        self.target_ids = target_ids

    def execute(self, context: Context) -> None:
        """Looks into the ledger's history."""
        outcome = each(self.target_ids, lambda target_id: succeeded(self.lane(context, target_id)))
        if outcome.failed:
            raise told(Failed(str(outcome)))


def _is_retry(operator: BaseOperator, context: Context) -> bool:
    """Whether an earlier try of the same order has failed; a task that was cleared does all of its work again."""
    task_instance: Any = context.get("ti")
    if task_instance is None:
        return False
    return bool(task_instance.try_number > task_instance.max_tries - (operator.retries or 0) + 1)


def _of_all(batch: Batch) -> dict[str, Any]:
    """What each lane counted. Fails with the names of those that failed, to be retried where that may help one."""
    if batch.failed:
        raise told((FailedForNow if batch.transient else Failed)(str(batch)))
    return batch.done
