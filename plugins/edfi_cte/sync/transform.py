"""transform: what becomes of each record, and the plan."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.transform import Rejected, Transform, winner
from edfi_cte.ledger import accounts, differences, mappings, records, runs
from edfi_cte.ledger.records import Outcome
from edfi_cte.sync.lane import Lane
from edfi_cte.sync.planning import carry_out, make_plan

log = logging.getLogger(__name__)


def transform(lane: Lane) -> dict[str, Any]:
    """Derive the desired associations and queue the events that bring the ODS there.

    Counts: records by outcome and reason, events by action and cause, unchanged. With ``dry_run`` nothing is
    queued. Raises StepFailed for an approved list that is no good, before anything is queued.
    """
    outcomes = derive(lane)
    plan = make_plan(lane)
    with lane.ledger.connect() as connection:
        plan_after = accounts.last_event(connection, lane.target_id)
    without_event = carry_out(lane, plan)
    return outcomes | {
        "plan_after": plan_after,
        "without_event": without_event,
        "planned": dict(plan.counts.by_action),
        "causes": dict(plan.counts.by_cause),
        "unchanged": outcomes["desired"] - plan.counts.touched,
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
