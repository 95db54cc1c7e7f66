"""What a lane knows when it decides over deletes: rejected records, refused deletes, approved lists, the guard.

Read once a pass from the ledger; the deciding itself is :mod:`edfi_cte.associations.decide`.
"""

from __future__ import annotations

from datetime import timedelta

from edfi_cte.associations.actions import Action, Cause
from edfi_cte.associations.decide import Absence, Decision, Guard, WaitsFor, absence
from edfi_cte.associations.model import NaturalKey
from edfi_cte.associations.plan import Evidence, Side
from edfi_cte.ledger import approvals, bulk, deletions, kept, mappings, records
from edfi_cte.sync.lane import Lane, StepFailed


class LaneEvidence(Evidence):
    """What is known of a lane's records beside a difference. Raises StepFailed for a list that is no good."""

    def __init__(self, lane: Lane) -> None:
        self._approved = approved_deletes(lane)
        guards = lane.settings.guards
        with lane.ledger.connect() as connection:
            self.campus_is_empty = not records.any_record(connection, lane.target_id)
            self._refused = kept.refused_since(
                connection, lane.target_id, bulk.now() - timedelta(days=guards.out_of_reach_days)
            )
            self._rejected: dict[tuple[str, str], dict[str, str]] = {}
            for row in records.rejected(connection, lane.target_id):
                if row.student_unique_id and row.start_date:
                    like = self._rejected.setdefault((row.student_unique_id, row.start_date.isoformat()), {})
                    like[row.cte_program_type or ""] = row.reason

    def rejected_for(self, mapped: Side) -> str | None:
        """See :class:`Evidence`."""
        return self._rejected.get((mapped.student_unique_id, mapped.begin_date), {}).get(mapped.cte_program_type)

    def refused_lately(self, key_id: str) -> bool:
        """See :class:`Evidence`."""
        return key_id in self._refused

    def approved(self, key_id: str, action: Action, cause: str) -> str | None:
        """See :class:`Evidence`."""
        for list_id, deletes in self._approved.items():
            if deletes.get(key_id) == (action, cause):
                return list_id
        return None

    def stranger(self, key_id: str, key: NaturalKey, *, first_contact: bool) -> Decision:
        """What it is worth that a record of ours is in the ODS, and neither mapped nor desired."""
        rejected = self._rejected.get((key.student_unique_id, key.begin_date.isoformat()), {})
        return absence(
            Absence(
                cause=Cause.NO_SOURCE,
                rejected_for=next(iter(rejected.values()), None),
                refused_lately=self.refused_lately(key_id),
                first_contact=first_contact,
                campus_is_empty=self.campus_is_empty,
                approved=self.approved(key_id, Action.DELETE, Cause.NO_SOURCE),
            )
        )


def guard_of(lane: Lane) -> Guard:
    """The guard, with what was deleted at the target within the window, whatever the runs were called."""
    guards = lane.settings.guards
    with lane.ledger.connect() as connection:
        start = bulk.now() - timedelta(hours=guards.delete_window_hours)
        return Guard(
            guards,
            known=mappings.count(connection, lane.target_id),
            deleted=deletions.since(connection, lane.target_id, start),
            last_records=kept.waiting_for(connection, lane.target_id, WaitsFor.LAST_RECORDS),
        )


def approved_lists(lane: Lane) -> list[str]:
    """The lists of this target that the run's ``approve`` names."""
    named = approvals.listed(lane.options.approve)
    return [list_id for list_id in named if approvals.target_of(list_id) == lane.target_id]


def approved_deletes(lane: Lane) -> dict[str, approvals.ApprovedDeletes]:
    """What a person has said yes to in this run, by list; recorded with who and when, unless it sends nothing.

    Raises StepFailed for a list that is not there, or that is too old.
    """
    chosen: dict[str, approvals.ApprovedDeletes] = {}
    for list_id in approved_lists(lane):
        with lane.writing() as connection:
            found = approvals.get(connection, lane.target_id, list_id)
            if found is None:
                newest = [made.list_id for made in approvals.newest(connection, lane.target_id)]
                raise StepFailed(
                    f"{lane.target_id}: there is no list '{list_id}' to approve; what waits or is held now: "
                    f"{', '.join(newest) or 'nothing'}. Nothing was sent. Take the id from the newest report."
                )
            age = bulk.now() - found.seen_at
            if age > timedelta(days=lane.settings.guards.approval_days):
                raise StepFailed(
                    f"{lane.target_id}: the list '{list_id}' is of {found.seen_at:%Y-%m-%d}, too long ago to be "
                    f"approved (guards.approval_days: {lane.settings.guards.approval_days:g}). Nothing was sent. "
                    "Trigger a run without approve, look at its list, and approve that."
                )
            if not lane.options.dry_run:
                approvals.approve(connection, lane.target_id, list_id, lane.run_id, lane.options.approved_by)
            chosen[list_id] = approvals.deletes_on(connection, lane.target_id, list_id)
    return chosen
