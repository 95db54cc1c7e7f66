"""What an absence or a change is worth: the one place that decides whether anything is deleted.

Losing a right record costs a school funding; a wrong one too many for a day costs a phone call. So a delete has to
be earned. Every event that can lead to a DELETE request is made of a :class:`Decision` from here, in two steps: what
one record's evidence is worth (:func:`absence`, :func:`replacement`), and whether the guard lets it pass
(:class:`Guard`). Pure: looks nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from edfi_cte.associations.actions import Action, Cause


class Worth(StrEnum):
    """What a sight is worth. The last three are also the states of a record that is kept."""

    DELETE = "delete"
    REPLACE = "replace"
    HELD = "held"
    WAITING = "waiting"
    OUT_OF_REACH = "out_of_reach"


class WaitsFor(StrEnum):
    """Why deletes wait for a person."""

    FIRST_CONTACT = "first_contact"
    GUARD = "guard"
    LAST_RECORDS = "last_records"
    EMPTY_EXTRACT = "empty_extract"

    @property
    def explanation(self) -> str:
        """Why they wait, in words."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    WaitsFor.FIRST_CONTACT: ("they were in the ODS before the first sync, and no Campus record matches them"),
    WaitsFor.GUARD: "they are more than the guard allows in its window of time",
    WaitsFor.LAST_RECORDS: "they are all that the ODS has of this target",
    WaitsFor.EMPTY_EXTRACT: "Campus returned no career-technical record at all",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done about a record that is in the ODS and not desired as it is there.

    ``action`` is the event that it is about, ``cause`` what brought it about, ``reason`` why the record is kept (a
    rejection's name, or a :class:`WaitsFor`). ``list_id``: the approved list that lets it pass.
    """

    worth: Worth
    action: Action
    cause: str
    reason: str | None = None
    list_id: str | None = None

    @property
    def passes(self) -> bool:
        """Whether an event may be made of it; a record of any other worth is kept as it is."""
        return self.worth in (Worth.DELETE, Worth.REPLACE)

    @property
    def item(self) -> tuple[str, str]:
        """How a list names it, beside the record's key: what a person approves is this action for this cause."""
        return str(self.action), self.cause


@dataclass(frozen=True, slots=True)
class Absence:
    """What is known of a record in the ODS that nothing desires.

    ``cause``: why nothing does. ``rejected_for``: the reason for which its own enrollment, or one of the same
    student and begin date, is rejected. ``refused_lately``: the ODS has refused our delete, and it is too early to
    ask again. ``first_contact``: it was there before this target's mapping knew the ODS. ``approved``: the list on
    which a person has said yes to this delete for this cause.
    """

    cause: str
    rejected_for: str | None = None
    refused_lately: bool = False
    first_contact: bool = False
    campus_is_empty: bool = False
    approved: str | None = None


def absence(seen: Absence) -> Decision:
    """What it is worth that nothing desires a record (4.1). The guard has its say after this."""
    if seen.refused_lately:
        return out_of_reach(seen.cause)
    if seen.approved:
        return Decision(Worth.DELETE, Action.DELETE, seen.cause, list_id=seen.approved)
    if seen.rejected_for:
        return Decision(Worth.HELD, Action.DELETE, seen.cause, seen.rejected_for)
    if seen.campus_is_empty:
        return Decision(Worth.WAITING, Action.DELETE, seen.cause, WaitsFor.EMPTY_EXTRACT)
    if seen.first_contact:
        return Decision(Worth.WAITING, Action.DELETE, seen.cause, WaitsFor.FIRST_CONTACT)
    return Decision(Worth.DELETE, Action.DELETE, seen.cause)


def out_of_reach(cause: str) -> Decision:
    """The ODS has just refused a delete, or no longer shows the record: its student has left the key's reach."""
    return Decision(Worth.OUT_OF_REACH, Action.DELETE, cause, cause)


def replacement(cause: str, approved: str | None = None) -> Decision:
    """A natural-key change, or a change that the page answers with Delete/Post: no loss, yet the guard counts it."""
    return Decision(Worth.REPLACE, Action.DELETE_POST, cause, list_id=approved)


class Limits(Protocol):
    """The settings of the guard."""

    @property
    def max_delete_fraction(self) -> float: ...
    @property
    def max_delete_count(self) -> int: ...


LAST_RECORDS = 3
"""From so many on, a target's last records are never all deleted without a person."""


@dataclass(frozen=True)
class Guard:
    """How much may be deleted at a target within a window of time.

    ``deleted``: how much was, in the window, without a person's word; the delete of a Delete/Post included.
    ``known``: how many records the mapping has. The share always counts, the floor lets a small district live.
    ``last_records``: what waits as a target's last records already. It waits on until a person says yes, since a new
    record beside them makes them no less right.
    """

    limits: Limits
    known: int
    deleted: int = 0
    last_records: frozenset[tuple[str, str]] = frozenset()
    waits: Mapping[tuple[str, str], WaitsFor] = field(default_factory=dict)

    @property
    def allowance(self) -> int:
        """How many records may be deleted in the window, what was deleted included."""
        share = int(self.limits.max_delete_fraction * (self.known + self.deleted))
        return max(share, self.limits.max_delete_count)

    def weigh(self, wanted: Mapping[tuple[str, str], int]) -> Guard:
        """The guard, knowing how many deletes are wanted by action and cause (:attr:`Decision.item`).

        Whole causes pass, the smallest first, as long as they fit: a mass mistake has one cause, and waits as a
        whole, while a day's ordinary few go on.
        """
        waits = {item: WaitsFor.LAST_RECORDS for item in wanted if item in self.last_records}
        room = self.allowance - self.deleted
        for item, count in sorted(wanted.items(), key=lambda entry: (entry[1], entry[0])):
            if item in waits:
                continue
            if count > room:
                waits[item] = WaitsFor.GUARD
            else:
                room -= count
        # A record without a source is none of the mapping's.
        passing = [
            item for item in wanted if item not in waits and item[0] == Action.DELETE and item[1] != Cause.NO_SOURCE
        ]
        left = self.known - sum(wanted[item] for item in passing)
        if passing and left <= 0 and self.known + self.deleted >= LAST_RECORDS:
            waits |= dict.fromkeys(passing, WaitsFor.LAST_RECORDS)
        return replace(self, waits=waits)

    def decide(self, decision: Decision) -> Decision:
        """The decision, or that it waits. What a person has approved passes."""
        waits_for = self.waits.get(decision.item)
        if waits_for is None or not decision.passes or decision.list_id:
            return decision
        return replace(decision, worth=Worth.WAITING, reason=waits_for)
