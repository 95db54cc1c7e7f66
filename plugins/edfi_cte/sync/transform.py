"""transform: what becomes of each record, and the plan."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.plan import Action, Planned, event_for
from edfi_cte.associations.transform import Rejected, Transform, winner
from edfi_cte.ledger import accounts, bulk, differences, events, mappings, records, runs
from edfi_cte.ledger.differences import Found
from edfi_cte.ledger.records import Outcome
from edfi_cte.sync.guards import check_deletes
from edfi_cte.sync.lane import Lane

log = logging.getLogger(__name__)

KEPT = 5000
"""Differences that are kept in memory between the guard and the queue."""

STEP_OF = {
    Action.POST: "upsert",
    Action.PUT: "upsert",
    Action.DELETE: "natural_key_changes",
    Action.DELETE_POST: "natural_key_changes",
}


def transform(lane: Lane) -> dict[str, Any]:
    """Derive the desired associations and queue the events that bring the ODS there.

    Counts: records by outcome and reason, events by action and cause, unchanged. With ``dry_run`` nothing is
    queued. Raises StepFailed if a guard stops the year, before anything is queued.
    """
    outcomes = derive(lane)
    plan, differences = survey(lane)
    check_deletes(lane, plan.deletes)
    with lane.ledger.connect() as connection:
        plan_after = accounts.last_event(connection, lane.target_id)
    if not lane.options.dry_run:
        _queue(lane, differences)
    return outcomes | {
        "plan_after": plan_after,
        "planned": plan.by_action,
        "causes": plan.by_cause,
        "unchanged": outcomes["desired"] - plan.touched,
    }


def derive(lane: Lane) -> dict[str, Any]:
    """Bring what became of each record up to date: transform what changed, then settle who shares a key."""
    maker = lane.transform()
    with _made_with(lane, maker.fingerprint) as other:
        for page, replaced in records.untransformed(lane.ledger, lane.target_id, other):
            made = [_outcome(maker, row) for row in page]
            with lane.writing() as connection:
                records.write_outcomes(connection, lane.target_id, made, sorted(replaced))
    with lane.writing() as connection:
        _settle_shared_keys(connection, lane.target_id)
        counts = records.outcome_counts(connection, lane.target_id)
    return summarize(counts)


@contextmanager
def _made_with(lane: Lane, fingerprint: str) -> Iterator[str | None]:
    """Keep with which preferences all outcomes are made. Gives ``fingerprint`` if some may be of others, else None.

    Until the block has ended well nothing is kept, so that what it leaves half done is looked at again.
    """
    with lane.ledger.connect() as connection:
        same = runs.transformed_with(connection, lane.target_id) == fingerprint
    if same:
        yield None
        return
    with lane.writing() as connection:
        runs.describe(connection, lane.target_id, transformed_with=None)
    yield fingerprint
    for keys in differences.in_step(lane.ledger, lane.target_id):
        with lane.writing() as connection:
            mappings.made_with(connection, lane.target_id, keys, fingerprint)
    with lane.writing() as connection:
        runs.describe(connection, lane.target_id, transformed_with=fingerprint)


def summarize(counts: dict[tuple[str, str | None], int]) -> dict[str, Any]:
    """Records by outcome; excluded and rejected also by reason."""

    def by_reason(outcome: Outcome) -> dict[str, int]:
        return {str(reason): n for (o, reason), n in sorted(counts.items(), key=str) if o == outcome}

    def total(outcome: Outcome) -> int:
        return sum(n for (o, _), n in counts.items() if o == outcome)

    return {str(outcome): total(outcome) for outcome in Outcome} | {
        "excluded_by": by_reason(Outcome.EXCLUDED),
        "rejected_for": by_reason(Outcome.REJECTED),
    }


def _outcome(maker: Transform, row: sa.Row[Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {"enrollment_id": row.enrollment_id, "transformed_with": maker.fingerprint}
    record = records.as_record(row)
    if record.excluded_by is not None:
        return columns | {"outcome": Outcome.EXCLUDED, "reason": record.excluded_by}
    try:
        association = maker.association(record)
    except Rejected as rejected:
        return columns | {"outcome": Outcome.REJECTED, "reason": rejected.reason, "detail": rejected.detail}
    return columns | {
        "outcome": Outcome.DESIRED,
        "key_id": association.key_id,
        "key_exact": association.key_exact,
        "payload_hash": association.payload_hash,
        "content_hash": association.content_hash,
        "student_unique_id": record.student_unique_id,
        "begin_date": association.begin_date,
        "cte_program_type": record.cte_program_type,
        "career_cluster": record.career_cluster,
        "program_name": association.program_name,
        "body": association.body,
    }


def _settle_shared_keys(connection: sa.Connection, target_id: str) -> None:
    rows = records.contested(connection, target_id)
    for _, rivals in groupby(rows, key=lambda row: row.key_id):
        group = list(rivals)
        best = winner(group).enrollment_id
        for outcome in (Outcome.DESIRED, Outcome.SUPERSEDED):
            changed = [
                row.enrollment_id
                for row in group
                if (row.enrollment_id == best) == (outcome == Outcome.DESIRED) and row.outcome != outcome
            ]
            records.set_outcome(connection, target_id, outcome, changed)


@dataclass
class PlanCounts:
    """A plan in numbers.

    ``deletes``: by cause, the delete of a Delete/Post included. ``touched``: desired records with an event.
    """

    by_action: dict[str, int] = field(default_factory=lambda: {str(action): 0 for action in Action})
    by_cause: dict[str, int] = field(default_factory=dict)
    deletes: dict[str, int] = field(default_factory=dict)
    touched: int = 0

    def add(self, found: Found, planned: Planned | None) -> None:
        if planned is None:
            return
        cause = str(planned.cause)
        self.by_action[planned.action] += 1
        self.by_cause[cause] = self.by_cause.get(cause, 0) + 1
        if planned.action.deletes:
            self.deletes[cause] = self.deletes.get(cause, 0) + 1
        self.touched += found.difference.desired is not None


Planning = tuple[Found, Planned | None]
"""A difference with its event (``None``: only the source enrollment's id differs)."""


def planned_events(lane: Lane) -> Iterator[Planning]:
    """The plan, one difference at a time."""
    for found in differences.differences(lane.ledger, lane.target_id):
        yield found, event_for(found.difference, lane.preferences.career_cluster_change)


def survey(lane: Lane) -> tuple[PlanCounts, Iterable[Planning]]:
    """The plan in numbers, and the plan: kept where it is short, as on most days, else to be evaluated again."""
    counts = PlanCounts()
    kept: list[Planning] = []
    for found, planned in planned_events(lane):
        counts.add(found, planned)
        if len(kept) <= KEPT:
            kept.append((found, planned))
    return counts, kept if len(kept) <= KEPT else planned_events(lane)


def plan_counts(lane: Lane) -> PlanCounts:
    """The plan in numbers, nothing written."""
    counts, _ = survey(lane)
    return counts


def _queue(lane: Lane, plan: Iterable[Planning]) -> None:
    """Put the plan into the queue, in the place of whatever earlier plans left undone."""
    with lane.writing() as connection:
        events.supersede(connection, lane.target_id)
    for batch in bulk.batches(plan, bulk.CHUNK):
        with lane.writing() as connection:
            events.add(
                connection,
                lane.target_id,
                lane.run_id,
                [event_row(found, planned) for found, planned in batch if planned is not None],
            )
            others = [found.difference.desired for found, planned in batch if planned is None]
            mappings.attribute(
                connection, lane.target_id, {side.key_id: side.enrollment_id for side in others if side is not None}
            )


def event_row(found: Found, planned: Planned) -> dict[str, Any]:
    """The queue's columns for an event."""
    desired, mapped = found.difference.desired, found.difference.mapped
    side = desired or mapped
    assert side is not None  # noqa: S101 - a difference has at least one side
    row: dict[str, Any] = {
        "step": STEP_OF[planned.action],
        "action": planned.action,
        "cause": planned.cause,
        "enrollment_id": side.enrollment_id,
        "key_id": side.key_id,
        "key_exact": side.key_exact,
        "student_unique_id": side.student_unique_id,
        "begin_date": side.begin_date,
        "cte_program_type": side.cte_program_type,
        "career_cluster": side.career_cluster,
        "ods_id": found.ods_id,
        "body": found.body,
    }
    if desired is not None:
        row |= {
            "payload_hash": desired.payload_hash,
            "content_hash": found.content_hash,
            "transformed_with": desired.transformed_with,
            "program_name": found.program_name,
        }
    if planned.action is Action.DELETE_POST and mapped is not None:
        row["old_key_id"] = mapped.key_id
    return row
