"""The plan of a pass: what is different, what that is worth, and what is queued or kept for it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.actions import Action, Cause
from edfi_cte.associations.compare import content_hash
from edfi_cte.associations.decide import Decision, Guard
from edfi_cte.associations.model import digest
from edfi_cte.associations.plan import Difference, Planned, Side, event_for
from edfi_cte.ledger import bulk, differences, events, kept, mappings, old_documents, records
from edfi_cte.ledger.differences import Found
from edfi_cte.ledger.kept import FoundBy
from edfi_cte.sync.evidence import LaneEvidence, guard_of
from edfi_cte.sync.lane import Lane

KEPT = 5000
"""Differences that are kept in memory between the guard and the queue."""

STEP_OF = {
    Action.POST: "upsert",
    Action.PUT: "upsert",
    Action.DELETE: "natural_key_changes",
    Action.DELETE_POST: "natural_key_changes",
}

Planning = tuple[Found, Planned | Decision | None]
"""A difference with what is done about it (``None``: only the source enrollment's id differs)."""


@dataclass
class PlanCounts:
    """A plan in numbers.

    ``wanted``: what the guard has to weigh, by action and cause; the delete of a Delete/Post included. ``kept``: by
    state, action, cause and reason. ``touched``: desired records with an event, or with one that waits.
    """

    by_action: Counter[str] = field(default_factory=Counter)
    by_cause: Counter[str] = field(default_factory=Counter)
    wanted: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: Counter[kept.KeptAs] = field(default_factory=Counter)
    touched: int = 0

    def add(self, found: Found, planned: Planned | Decision | None) -> None:
        """Count one difference, before the guard has had its say."""
        if planned is None:
            return
        self.touched += found.difference.desired is not None and planned.cause != Cause.PUT_BACK
        if isinstance(planned, Decision) and not planned.passes:
            self.kept[kept.kept_as(planned)] += 1
            return
        self.by_action[planned.action] += 1
        self.by_cause[planned.cause] += 1
        if isinstance(planned, Decision) and planned.list_id is None:
            self.wanted[planned.item] += 1

    def weigh(self, guard: Guard) -> Guard:
        """The guard's answer to what is wanted; what waits is no longer counted as planned."""
        weighed = guard.weigh(self.wanted)
        for (action, cause), reason in weighed.waits.items():
            waiting = self.wanted[action, cause]
            self.by_action[action] -= waiting
            self.by_cause[cause] -= waiting
            self.kept[kept.KeptAs("waiting", action, cause, reason)] += waiting
        self.by_action, self.by_cause = +self.by_action, +self.by_cause
        return weighed


@dataclass(frozen=True)
class Plan:
    """What a pass would do, in numbers, and each difference with what is done about it, the guard's say included."""

    counts: PlanCounts
    guard: Guard
    _differences: Iterable[Planning]

    def __iter__(self) -> Iterator[Planning]:
        for found, planned in self._differences:
            yield found, self.guard.decide(planned) if isinstance(planned, Decision) else planned


def make_plan(lane: Lane) -> Plan:
    """The plan, nothing written: kept where it is short, as on most days, else evaluated again as it is read.

    Raises StepFailed for an approved list that is no good.
    """
    evidence = LaneEvidence(lane)
    counts = PlanCounts()
    short: list[Planning] = []
    for found, planned in _differences(lane, evidence):
        counts.add(found, planned)
        if len(short) <= KEPT:
            short.append((found, planned))
    guard = counts.weigh(guard_of(lane))
    return Plan(counts, guard, short if len(short) <= KEPT else _Again(lane, evidence))


@dataclass(frozen=True)
class _Again:
    lane: Lane
    evidence: LaneEvidence

    def __iter__(self) -> Iterator[Planning]:
        return _differences(self.lane, self.evidence)


def _differences(lane: Lane, evidence: LaneEvidence) -> Iterator[Planning]:
    with lane.ledger.connect() as connection:
        missing = old_documents.of_rejected(connection, lane.target_id)
    mapped: dict[str, Side] = {}
    for found in differences.differences(lane.ledger, lane.target_id):
        planned = event_for(found.difference, lane.preferences.career_cluster_change, evidence)
        yield found, planned
        for side in (found.difference.desired, found.difference.mapped) if missing else ():
            if side is None or side.key_id not in missing:
                continue
            if not isinstance(planned, Decision) or planned.passes:
                del missing[side.key_id]
            elif found.ods_id is not None:
                mapped[side.key_id] = side
    for key_id, row in missing.items():
        yield _to_put_back(row, mapped.get(key_id)), Planned(Action.POST, Cause.PUT_BACK)


def _to_put_back(row: sa.Row[Any], mapped: Side | None) -> Found:
    """The document that a Delete/Post took away, and that nothing replaces now that its record is rejected.

    Without a mapping its Career Cluster as Campus has it is not known, so that whatever comes next is a change.
    """
    document = json.loads(row.old_body)
    mapped = mapped or Side(
        key_id=row.key_id,
        key_exact=row.key_exact,
        payload_hash="",
        enrollment_id=row.enrollment_id,
        transformed_with=row.transformed_with,
        student_unique_id=row.student_unique_id,
        begin_date=row.begin_date,
        cte_program_type=row.cte_program_type,
        career_cluster="",
    )
    side = replace(mapped, payload_hash=digest(row.old_body))
    name = document["programReference"]["programName"]
    return Found(Difference(side, None), row.old_body, content_hash(document), name, None)


def carry_out(lane: Lane, plan: Plan) -> int:
    """Put the plan into the queue, in the place of whatever earlier plans left undone; keep what is not deleted.

    A dry run queues nothing, and keeps the same records: what it shows can be looked at, and approved. Returns how
    many desired records differ and got no event.
    """
    seen_at, without_event = bulk.now(), 0
    dry = lane.options.dry_run
    if not dry:
        with lane.writing() as connection:
            events.supersede(connection, lane.target_id)
    for batch in bulk.batches(plan, bulk.CHUNK):
        with lane.writing() as connection:
            if not dry:
                _queue(lane, connection, batch)
            stay = [(found, said) for found, said in batch if isinstance(said, Decision) and not said.passes]
            rows = [_kept(found, said) for found, said in stay]
            without_event += sum(found.difference.desired is not None for found, _ in (batch if dry else stay))
            kept.keep(connection, lane.target_id, lane.run_id, FoundBy.PLAN, seen_at, rows)
    with lane.writing() as connection:
        kept.sweep(connection, lane.target_id, FoundBy.PLAN, seen_at)
        # A stranger that is desired by now is adopted by its post.
        met = kept.strangers(connection, lane.target_id)
        kept.drop(connection, lane.target_id, list(records.desired_keys(connection, lane.target_id, met)))
    return without_event


def _queue(lane: Lane, connection: sa.Connection, batch: list[Planning]) -> None:
    target_id = lane.target_id
    writes = [(found, said) for found, said in batch if isinstance(said, Planned)]
    decided = [(found, said) for found, said in batch if isinstance(said, Decision) and said.passes]
    others = [found.difference.desired for found, said in batch if said is None]
    events.add(
        connection,
        target_id,
        lane.run_id,
        [event_row(found, said.action) | {"cause": said.cause} for found, said in writes],
    )
    events.add_decided(
        connection, target_id, lane.run_id, [(said, event_row(found, said.action)) for found, said in decided]
    )
    mappings.attribute(
        connection, target_id, {side.key_id: side.enrollment_id for side in others if side is not None}
    )


def _kept(found: Found, decision: Decision) -> dict[str, Any]:
    """The columns of a record that stays as it is: under the key that it has in the ODS."""
    mapped = found.difference.mapped
    assert mapped is not None  # noqa: S101 - only what is mapped, or may be in the ODS, can be kept
    return kept.row(decision, mapped.key_id, enrollment_id=mapped.enrollment_id, ods_id=found.ods_id)


def event_row(found: Found, action: Action) -> dict[str, Any]:
    """The queue's columns for an event, but for its cause."""
    desired, mapped = found.difference.desired, found.difference.mapped
    side = desired or mapped
    assert side is not None  # noqa: S101 - a difference has at least one side
    row: dict[str, Any] = {
        "step": STEP_OF[action],
        "action": action,
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
    if action is Action.DELETE_POST and mapped is not None:
        row["old_key_id"] = mapped.key_id
    return row
