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
from edfi_cte.associations.decide import Absence, Decision, absence, replacement


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
    has left. ``in_doubt``: an earlier request on the key had no answer. ``gone_because``: why nothing is desired;
    ``rejected_for``: the reason why the enrollment behind ``mapped`` is rejected, if it is.
    """

    desired: Side | None
    mapped: Side | None
    in_doubt: bool = False
    gone_because: str | None = None
    rejected_for: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A Post or Put to queue. What deletes is a :class:`.decide.Decision`."""

    action: Literal[Action.POST, Action.PUT]
    cause: str


class Evidence:
    """What a plan has to know beside a difference, one lookup a question. This one knows nothing against a delete."""

    campus_is_empty: bool = False

    def rejected_for(self, _mapped: Side) -> str | None:
        """The reason for which a record of the same student, begin date and program type is rejected, if one is."""
        return None

    def refused_lately(self, _key_id: str) -> bool:
        """Whether the ODS has refused to delete this key, too short a while ago to ask again."""
        return False

    def approved(self, _key_id: str, _action: Action, _cause: str) -> str | None:
        """The list on which a person has said yes to this."""
        return None


def event_for(
    difference: Difference,
    career_cluster_change: Literal["delete_post", "put"] = "delete_post",
    evidence: Evidence | None = None,
) -> Planned | Decision | None:
    """What puts a difference right, or ``None`` where only the source enrollment's id differs.

    Source: page, Object Triggering Logic and Natural Key Changes; readings B, D and J.
    """
    desired, mapped = difference.desired, difference.mapped
    evidence = evidence or Evidence()
    if desired is None:
        return _gone(difference, evidence)
    if mapped is None:
        return Planned(Action.POST, Cause.ANSWER_LOST if difference.in_doubt else Cause.NEW_RECORD)
    cause = _what_changed(desired, mapped)
    if desired.key_exact != mapped.key_exact:
        return _replaced(mapped, cause, evidence)
    if difference.in_doubt:
        # What the lost request left in the ODS is unknown; an upsert by natural key is right in every case.
        return Planned(Action.POST, Cause.ANSWER_LOST)
    if desired.payload_hash == mapped.payload_hash:
        return None
    if cause == Cause.CAREER_CLUSTER_CHANGED and career_cluster_change == "delete_post":
        return _replaced(mapped, cause, evidence)
    return Planned(Action.PUT, cause)


def _gone(difference: Difference, evidence: Evidence) -> Decision:
    """What it is worth that nothing desires a mapped record, or one that a lost answer may have left."""
    mapped = difference.mapped
    assert mapped is not None  # noqa: S101 - a difference has at least one side
    cause = difference.gone_because or Cause.ENROLLMENT_DELETED
    return absence(
        Absence(
            cause=cause,
            rejected_for=difference.rejected_for or evidence.rejected_for(mapped),
            refused_lately=evidence.refused_lately(mapped.key_id),
            campus_is_empty=evidence.campus_is_empty,
            approved=evidence.approved(mapped.key_id, Action.DELETE, cause),
        )
    )


def _replaced(mapped: Side, cause: str, evidence: Evidence) -> Decision:
    return replacement(cause, evidence.approved(mapped.key_id, Action.DELETE_POST, cause))


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
