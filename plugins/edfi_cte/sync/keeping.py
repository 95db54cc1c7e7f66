"""What a run keeps in the ODS and why, in the words of reports: held, waiting for a person, out of reach."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.associations.decide import WaitsFor, Worth
from edfi_cte.ledger import approvals, bulk, deletions, kept
from edfi_cte.ledger.approvals import DeleteList
from edfi_cte.ledger.kept import KeptCount
from edfi_cte.sync.evidence import guard_of
from edfi_cte.sync.lane import Lane

DAG_ID = "student_cte_program_associations"
ALARMING = frozenset({WaitsFor.GUARD, WaitsFor.LAST_RECORDS, WaitsFor.EMPTY_EXTRACT})
"""Deletes that wait for these make a run red; those of a first contact do not."""


@dataclass(frozen=True)
class Standing:
    """The kept records of a target, counted, and the lists that a person may approve."""

    kept: tuple[KeptCount, ...]
    lists: tuple[DeleteList, ...]

    @property
    def replacements(self) -> int:
        """The Delete/Posts that wait whole: their new records are not in the ODS yet."""
        return sum(how.records for how in self.kept if how.action == Action.DELETE_POST)

    def counts(self) -> dict[str, dict[str, int]]:
        """For the report and the asset's extra: records by reason, and how many are on each list."""
        return {
            "held for": self._by_reason(Worth.HELD),
            "waiting for a person": self._by_reason(Worth.WAITING),
            "out of the key's reach": self._by_reason(Worth.OUT_OF_REACH),
            "to approve": {made.list_id: made.records for made in self.lists},
        }

    def _by_reason(self, state: Worth) -> dict[str, int]:
        reasons: Counter[str] = Counter()
        for how in self.kept:
            if how.state == state:
                reasons[how.reason] += how.records
        return dict(reasons)

    def alarm(self, lane: Lane) -> str | None:
        """Why a run is red, if deletes wait that the guard did not let pass: how many, why, and what to trigger."""
        alarming = [how for how in self.kept if how.state == Worth.WAITING and how.reason in ALARMING]
        if not alarming:
            return None
        causes: Counter[str] = Counter()
        for how in alarming:
            causes[f"{how.action} because of {how.cause}"] += how.records
        guard, limits = guard_of(lane), lane.settings.guards
        why = "; ".join(dict.fromkeys(WaitsFor(how.reason).explanation for how in alarming))
        listed = ", ".join(f"{n} {cause}" for cause, n in causes.most_common())
        return (
            f"{lane.target_id}: {sum(how.records for how in alarming)} deletes wait for a person: {why} "
            f"({limits.max_delete_fraction:.0%} of {guard.known} records, and more than {limits.max_delete_count}, "
            f"in {limits.delete_window_hours:g} h; {guard.deleted} were deleted in that time). They are: {listed}. "
            f"Posts and puts went on. {self._what_to_do(lane, Worth.WAITING)}"
        )

    def advice(self, lane: Lane) -> dict[str, str]:
        """What to do about what is held or waits, by the report's words."""
        said = {}
        if self._by_reason(Worth.HELD):
            said["held"] = (
                "the ODS keeps these records until their Campus error is corrected; then they go on by themselves. "
                + self._what_to_do(lane, Worth.HELD)
            )
        if WaitsFor.FIRST_CONTACT in self._by_reason(Worth.WAITING):
            said["waiting"] = f"{WaitsFor.FIRST_CONTACT.explanation}. " + self._what_to_do(lane, Worth.WAITING)
        if self._by_reason(Worth.OUT_OF_REACH):
            said["out of reach"] = (
                "the students are not enrolled with the district any more, so only the state can delete the records. "
                "Send it the list: " + _look_at(lane)
            )
        return said

    def _what_to_do(self, lane: Lane, state: Worth) -> str:
        return "".join(approval_help(lane, made) for made in self.lists if made.state == state)


def approval_help(lane: Lane, made: DeleteList) -> str:
    """What to trigger to approve a list, word for word."""
    target = lane.target
    conf = {"scope_year": target.scope_year, "district_number": target.district_number, "approve": made.list_id}
    return (
        f"Look at them: {_look_at(lane)}. If they are to be deleted, trigger the DAG with approve = {made.list_id} "
        f"(airflow dags trigger {DAG_ID} --conf '{json.dumps(conf)}'); else correct Campus or the preferences, and "
        "the records stay."
    )


def _look_at(lane: Lane) -> str:
    return f"edfi-cte plan --scope-year {lane.target.scope_year} --district {lane.target.district_number} --list"


def look(connection: sa.Connection, lane: Lane) -> Standing:
    """The kept records as they are now; what waits and what is held becomes a list that can be approved."""
    lists = (approvals.make(connection, lane.target_id, lane.run_id, state) for state in (Worth.WAITING, Worth.HELD))
    return Standing(tuple(kept.counts(connection, lane.target_id)), tuple(made for made in lists if made is not None))


def prune(connection: sa.Connection, lane: Lane) -> None:
    """Drop the lists and deletions that nothing needs any more."""
    before = bulk.now() - timedelta(days=lane.settings.retention.days)
    approvals.prune(connection, lane.target_id, before)
    deletions.prune(connection, lane.target_id, before)
