"""report: the accounting of a run, as a table and as numbers; a run that can't account for each record fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.plan import Action
from edfi_cte.associations.transform import RejectionReason
from edfi_cte.ledger import accounts, runs
from edfi_cte.ledger.accounts import Answered
from edfi_cte.ledger.records import Outcome
from edfi_cte.sync.lane import Lane, StepFailed

_FINDINGS = ("in_ods", "not_in_ods", "edited", "no_source")


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did. ``counts`` is what the table shows, by name; ``status``: ok, failed, off, or dry run."""

    target_id: str
    status: str
    message: str | None
    counts: dict[str, Any]
    advice: dict[str, str]

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
        if self.message:
            lines += ["", f"  {self.message}"]
        return "\n".join(lines)


def report(lane: Lane) -> Report:
    """Account for the run, close it, release the target. Raises StepFailed if the sums do not meet (invariant 4)."""
    with lane.ledger.begin() as connection:
        row = runs.get_run(connection, lane.target_id, lane.run_id)
        # The shards of a step ("upsert 1/4") count as the step: whether all went well, Airflow and the sums say.
        steps = {name.partition(" ")[0]: counts for name, counts in runs.counts_of(row).items()} if row else {}
        plan_after = steps.get("transform", {}).get("plan_after", 0)
        answered = accounts.answered(connection, lane.target_id, lane.run_id, plan_after)
        in_step = accounts.in_step(connection, lane.target_id)
        counts = _counts(steps, answered, in_step)
        wrong = _unaccounted(steps, answered, counts)
        message = (row.message if row else "the run ended before its first step") or wrong
        result = Report(lane.target_id, _status(lane, steps, message), message, counts, _advice(steps, answered))
        _close(connection, lane, result)
    if wrong:
        raise StepFailed(f"{lane.target_id}: {wrong}")
    return result


def _close(connection: sa.Connection, lane: Lane, result: Report) -> None:
    runs.add_counts(connection, lane.target_id, lane.run_id, "report", result.counts)
    runs.finish(connection, lane.target_id, lane.run_id, result.status, result.message)
    runs.prune(connection, lane.target_id, lane.settings.retention.days)
    runs.release(connection, lane.target_id, lane.run_id)


def _status(lane: Lane, steps: dict[str, Any], message: str | None) -> str:
    if not lane.target.enabled:
        return "off"
    expected = {"preflight", "extract", "transform"}
    if not lane.options.dry_run:
        expected |= {"upsert", "natural_key_changes"}
        if lane.options.resync:
            expected |= {"resync_identity_mapping", "resync_ods"}
    if message or not expected <= steps.keys():
        return "failed"
    return "dry run" if lane.options.dry_run else "ok"


def _counts(steps: dict[str, Any], answered: Answered, in_step: int) -> dict[str, Any]:
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
        "failed": sum(answered.failed.values()),
        "failed for": answered.failed,
        "left in the queue": answered.left,
        "resync found": {name: resync[name] for name in _FINDINGS if name in resync},
        "desired and in the ODS as such": in_step,
    }


def _unaccounted(steps: dict[str, Any], answered: Answered, counts: dict[str, Any]) -> str | None:
    """Which of the sums of invariant 4 does not meet, if any."""
    if "transform" not in steps:
        return None
    made = steps["transform"]
    outcomes = sum(made[outcome] for outcome in Outcome)
    if counts["extracted"] != outcomes:
        return f"{counts['extracted']} records were extracted, but {outcomes} accounted for"
    planned = sum(made["planned"].values())
    if "upsert" in steps and planned != answered.of_plan:
        return f"{planned} events were planned, but {answered.of_plan} are in the queue"
    waiting = made["desired"] - counts["desired and in the ODS as such"]
    if "natural_key_changes" in steps and waiting > counts["failed"] + counts["left in the queue"]:
        return f"{waiting} desired records are not in the ODS, and no failed event says why"
    return None


def _advice(steps: dict[str, Any], answered: Answered) -> dict[str, str]:
    """What to do about each kind of rejection and failure that the run met."""
    rejected = steps.get("transform", {}).get("rejected_for", {})
    return {name: RejectionReason(name).advice for name in rejected} | answered.advice
