"""report: the accounting of a run, as a table and as numbers; a run that can't account for each record fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.associations.transform import RejectionReason
from edfi_cte.ledger import (
    accounts,
    bulk,
    differences,
    error_groups,
    forgetting,
    leases,
    mappings,
    old_documents,
    runs,
)
from edfi_cte.ledger.accounts import Answered, Failures
from edfi_cte.ledger.records import Outcome
from edfi_cte.sync import keeping
from edfi_cte.sync.guards import failures_over_limit
from edfi_cte.sync.keeping import Standing
from edfi_cte.sync.lane import RESYNC_STEPS, SENDING_STEPS, STEP_NAMES, Lane, StepFailed

_FINDINGS = ("in_ods", "not_in_ods", "out_of_reach", "edited", "no_source")


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did. ``counts`` is what the table shows, by name; ``status``: ok, failed, off, or dry run."""

    target_id: str
    status: str
    message: str | None
    counts: dict[str, Any]
    advice: dict[str, str]
    examples: dict[str, list[int]] = field(default_factory=dict)
    """The first enrollment ids of each rejection and failure."""

    def table(self) -> str:
        """The report as text, one line a number."""
        lines = [f"{self.target_id}: {self.status}"]
        for name, value in self.counts.items():
            if isinstance(value, dict):
                lines += [f"  {name}"] if value else []
                lines += [f"    {key:<40}{n:>9,}" for key, n in value.items()]
            else:
                lines.append(f"  {name:<42}{value:>9,}")
        lines += [f"  {name}: {text}" for name, text in self.advice.items()]
        lines += [f"  {name}, the first enrollments: {_named(ids)}" for name, ids in self.examples.items()]
        if self.message:
            lines += ["", f"  {self.message}"]
        return "\n".join(lines)


def report(lane: Lane) -> Report:
    """Account for the run, close it, release the target. Raises LeaseHeld while a step of it may be alive.

    Its status is ``failed`` if a step did not do its work, if more events failed than the guards allow, if more
    deletes wait than the guard lets pass, or if the sums do not meet (invariant 4); the message says which. What is
    held, out of reach, or waits from a first contact, fails nothing. Nothing is asked of a target that is off.
    """
    with lane.ledger.begin() as connection:
        _refuse_twin(connection, lane)
        lane.enter(connection)
    over_limit = failures_over_limit(lane)
    with lane.ledger.begin() as connection:
        leases.release(connection, lane.target_id, lane.owner)
        steps = _whole_steps(runs.steps_of(connection, lane.target_id, lane.run_id))
        plan_after = runs.plan_after(connection, lane.target_id, lane.run_id)
        answered = accounts.answered(connection, lane.target_id, lane.run_id, plan_after)
        failures = accounts.failures(connection, lane.target_id, lane.run_id, plan_after)
        standing = keeping.look(connection, lane)
        in_step = _in_step(connection, lane, steps, answered)
        counts = _counts(steps, answered, failures, in_step) | standing.counts()
        message = None
        if lane.target.enabled:
            message = _failure(lane, steps) or over_limit or _unaccounted(lane, steps, answered, counts, standing)
            alarms = (_lost(connection, lane), message, standing.alarm(lane))
            message = "\n  ".join(said for said in alarms if said) or None
        advice = _advice(steps, failures) | standing.advice(lane)
        examples = error_groups.examples(connection, lane.target_id, lane.run_id, plan_after)
        result = Report(lane.target_id, _status(lane, message), message, counts, advice, examples)
        _close(connection, lane, result)
    configured = {target.target_id for target in lane.settings.targets}
    for gone in forgetting.retire(lane.ledger, configured, lane.settings.retention.days):
        log.info("%s has left the settings, and its last run is older than the retention: it is forgotten", gone)
    return result


def _in_step(connection: sa.Connection, lane: Lane, steps: dict[str, dict[str, Any]], answered: Answered) -> int:
    """How many desired associations the ODS is known to hold as such.

    A plan has compared each, and every key that differed has an event; so has whatever was written since. Where that
    is so, and the numbers bear it out, only the events' keys are looked at, else all are compared again.
    """
    made, target_id = steps.get("transform", {}), lane.target_id
    few = max(bulk.CHUNK, made.get("desired", 0) // 10)
    if (
        made.get("without_event") == 0
        and answered.events <= few
        and leases.plan_stands(connection, target_id, lane.owner)
        and accounts.desired(connection, target_id) == made["desired"]
    ):
        keys = accounts.touched(connection, target_id, made["plan_after"])
        found = int(made["desired"]) - differences.out_of_step(connection, target_id, keys)
        if found <= mappings.count(connection, target_id):
            return found
    return sum(map(len, differences.in_step(lane.ledger, target_id)))


def _refuse_twin(connection: sa.Connection, lane: Lane) -> None:
    """Another Airflow's run of this name has its own report."""
    if runs.twin_at_work(connection, lane.target_id, lane.owner):
        raise StepFailed(
            f"{lane.target_id}: a run of the same name, of another Airflow that shares this ledger, is the one that "
            "worked on the target; nothing was done here. Let one of the two have the DAG."
        )


def _whole_steps(kept: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """What each step has left, in their order: the fault of a task that shares it, or what the first one counted.

    However many tasks share a step: each goes on until nothing is left in the queue, so that one that has ended
    speaks for all; what a dead one has not given back is found in the queue.
    """
    whole = {}
    for step in STEP_NAMES:
        if parts := [*kept.get(step, {}).values()]:
            whole[step] = next((part for part in parts if "fault" in part), parts[0])
    return whole


def _failure(lane: Lane, steps: dict[str, dict[str, Any]]) -> str | None:
    """Why a step did not do its work, if one did not: the first of them."""
    for left in steps.values():
        if "fault" in left:
            return str(left["fault"])
    missing = [step for step in expected_steps(lane) if step not in steps]
    return f"{lane.target_id}: {missing[0]} did not end; its log says why" if missing else None


def _lost(connection: sa.Connection, lane: Lane) -> str | None:
    """A record that was right is gone: that fails the run, whatever the counts."""
    enrollments = old_documents.enrollments(connection, lane.target_id)
    if not enrollments:
        return None
    named = ", ".join(map(str, enrollments[:5])) + (" ..." if len(enrollments) > 5 else "")
    ask = f"edfi-cte why --scope-year {lane.target.scope_year} {enrollments[0]}"
    return (
        f"{lane.target_id}: {len(enrollments)} records were deleted to be posted again, and the ODS has accepted "
        f"neither the new nor the old document since, or has not answered: enrollments {named}. They may be missing "
        f"there. What the ODS said: {ask}. Each run tries again."
    )


def expected_steps(lane: Lane) -> list[str]:
    """The steps that a run of these options does."""
    left_out: frozenset[str] = SENDING_STEPS if lane.options.dry_run else frozenset()
    if not lane.options.resync:
        left_out |= RESYNC_STEPS
    return [step for step in STEP_NAMES if step not in left_out]


def _close(connection: sa.Connection, lane: Lane, result: Report) -> None:
    lane.keep(connection, "report", result.counts)
    runs.finish(connection, lane.target_id, lane.run_id, result.status, result.message)
    runs.prune(connection, lane.target_id, lane.settings.retention.days)
    keeping.prune(connection, lane)


def _status(lane: Lane, message: str | None) -> str:
    if not lane.target.enabled:
        return "off"
    if message:
        return "failed"
    return "dry run" if lane.options.dry_run else "ok"


def _counts(steps: dict[str, Any], answered: Answered, failures: list[Failures], in_step: int) -> dict[str, Any]:
    made = steps.get("transform", {})
    resync = steps.get("resync_identity_mapping", {})
    return {
        "extracted": steps.get("extract", {}).get("extracted", 0),
        "excluded by": made.get("excluded_by", {}),
        "rejected for": made.get("rejected_for", {}),
        "superseded by another enrollment": made.get("superseded", 0),
        "desired": made.get("desired", 0),
        "unchanged": made.get("unchanged", 0),
        "planned": {name: n for name, n in made.get("planned", {}).items() if n},
        "because of": made.get("causes", {}),
        "sent": {str(action): answered.sent.get(action, 0) for action in Action},
        "failed": answered.failed,
        "failed for": {failure.error_type: failure.events for failure in failures},
        "left in the queue": answered.left,
        "resync found": {name: resync[name] for name in _FINDINGS if name in resync},
        "differs whatever is put": steps.get("resync_ods", {}).get("lasting_differences", {}),
        "desired and in the ODS as such": in_step,
    }


def _unaccounted(
    lane: Lane, steps: dict[str, Any], answered: Answered, counts: dict[str, Any], standing: Standing
) -> str | None:
    """Which of the sums of invariant 4 does not meet, if any. For a run whose steps have all been done."""
    if "transform" not in steps:
        return None
    made = steps["transform"]
    outcomes = sum(made[outcome] for outcome in Outcome)
    if counts["extracted"] != outcomes:
        return f"{lane.target_id}: {counts['extracted']} records were extracted, but {outcomes} accounted for"
    if "upsert" not in steps:
        return None
    planned = sum(made["planned"].values())
    if planned != answered.of_plan:
        return (
            f"{lane.target_id}: {planned} events were planned, but {answered.of_plan} are in the queue: another run, "
            "or edfi-cte plan, has read Campus since and set them aside. Trigger a new run."
        )
    if answered.left:
        return f"{lane.target_id}: {answered.left} events are neither sent nor failed"
    missing = made["desired"] - counts["desired and in the ODS as such"]
    if missing > answered.failed_writes + standing.replacements:
        return f"{lane.target_id}: {missing} desired records are not in the ODS, and no failed event says why"
    return None


def _named(ids: list[int]) -> str:
    return ", ".join(map(str, ids))


def _advice(steps: dict[str, Any], failures: list[Failures]) -> dict[str, str]:
    """What to do about each kind of rejection and failure that the run met."""
    rejected = steps.get("transform", {}).get("rejected_for", {})
    return {name: RejectionReason(name).advice for name in rejected} | {
        failure.error_type: failure.advice for failure in failures
    }
