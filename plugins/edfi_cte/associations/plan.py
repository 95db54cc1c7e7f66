"""The plan: a diff by natural key between the desired associations and the identity mapping.

The ledger finds the keys that differ (set-based, so that a year never has to fit in memory); this module says,
one difference at a time and without looking anywhere else, which event puts it right and what caused it.

Because keys that an ODS holds to be one have one ``key_id``, no event of a plan can undo another: a key is
deleted, or posted, or put, never two of these. Swapped, chained and cyclic keys need no order of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edfi_cte.associations.actions import Action as Action
from edfi_cte.associations.actions import Cause as Cause


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a difference: a desired association, or an identity mapping.

    ``transformed_with`` is the fingerprint of the preferences that made it; the last four are the values whose
    change the page lists as triggers.
    """

    key_id: str
    key_exact: str
    payload_hash: str
    enrollment_id: int
    transformed_with: str
    student_unique_id: str
    begin_date: str
    cte_program_type: str
    career_cluster: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A key on which the desired set and the identity mapping disagree.

    ``desired`` and ``mapped`` have the same key, or ``mapped`` is the key that the enrollment behind ``desired``
    has left. ``in_doubt``: an earlier request on the key had no answer. ``gone_because``: why nothing is desired.
    """

    desired: Side | None
    mapped: Side | None
    in_doubt: bool = False
    gone_because: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """An event to queue."""

    action: Action
    cause: str


def event_for(
    difference: Difference, career_cluster_change: Literal["delete_post", "put"] = "delete_post"
) -> Planned | None:
    """The event that puts a difference right, or ``None`` where only the source enrollment's id differs.

    Source: page, Object Triggering Logic and Natural Key Changes; readings B, D and J.
    """
    desired, mapped = difference.desired, difference.mapped
    if desired is None:
        return Planned(Action.DELETE, difference.gone_because or Cause.ENROLLMENT_DELETED)
    if mapped is None:
        return Planned(Action.POST, Cause.ANSWER_LOST if difference.in_doubt else Cause.NEW_RECORD)
    cause = _what_changed(desired, mapped)
    if desired.key_exact != mapped.key_exact:
        return Planned(Action.DELETE_POST, cause)
    if difference.in_doubt:
        # What the lost request left in the ODS is unknown; an upsert by natural key is right in every case.
        return Planned(Action.POST, Cause.ANSWER_LOST)
    if desired.payload_hash == mapped.payload_hash:
        return None
    if cause == Cause.CAREER_CLUSTER_CHANGED and career_cluster_change == "delete_post":
        return Planned(Action.DELETE_POST, cause)
    return Planned(Action.PUT, cause)


def _what_changed(desired: Side, mapped: Side) -> Cause:
    if desired.enrollment_id != mapped.enrollment_id:
        return Cause.SOURCE_CHANGED
    if desired.student_unique_id != mapped.student_unique_id:
        return Cause.STUDENT_ID_CHANGED
    if desired.begin_date != mapped.begin_date:
        return Cause.START_DATE_CHANGED
    if desired.cte_program_type != mapped.cte_program_type:
        return Cause.CTE_PROGRAM_TYPE_CHANGED
    if desired.career_cluster != mapped.career_cluster:
        return Cause.CAREER_CLUSTER_CHANGED
    if desired.transformed_with != mapped.transformed_with:
        return Cause.PREFERENCES_CHANGED
    return Cause.VALUE_CHANGED
