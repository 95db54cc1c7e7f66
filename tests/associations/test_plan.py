"""Which event puts a difference right, and what it says has caused it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edfi_cte.associations.actions import Action, Cause
from edfi_cte.associations.decide import Absence, absence, replacement
from edfi_cte.associations.plan import Difference, Evidence, Planned, Side, event_for

MAPPED = Side(
    key_id="key",
    key_exact="Key",
    payload_hash="payload",
    enrollment_id=1,
    transformed_with="preferences",
    student_unique_id="student",
    begin_date="2025-08-20",
    cte_program_type="0410",
    career_cluster="8",
)
# In the order in which a change that comes with others names the cause.
CHANGES: list[tuple[dict[str, Any], Cause]] = [
    ({"enrollment_id": 2}, Cause.SOURCE_CHANGED),
    ({"student_unique_id": "other"}, Cause.STUDENT_ID_CHANGED),
    ({"begin_date": "2025-08-21"}, Cause.START_DATE_CHANGED),
    ({"cte_program_type": "0420"}, Cause.CTE_PROGRAM_TYPE_CHANGED),
    ({"career_cluster": "9"}, Cause.CAREER_CLUSTER_CHANGED),
    ({"transformed_with": "others"}, Cause.PREFERENCES_CHANGED),
    ({"payload_hash": "other"}, Cause.VALUE_CHANGED),
]


class Approved(Evidence):
    """A person has said yes to what it is asked about."""

    def approved(self, key_id: str, action: Action, cause: str) -> str | None:
        return f"{key_id} {action} {cause}"


@pytest.mark.parametrize("place", range(len(CHANGES)))
def test_a_change_has_one_cause_and_a_key_that_changed_is_replaced(place: int):
    change, cause = CHANGES[place]
    later = {name: value for columns, _ in CHANGES[place:] for name, value in columns.items()}
    for columns in (change, later):
        desired = replace(MAPPED, **(columns | {"payload_hash": "other"}))
        put, moved = Difference(desired, MAPPED), Difference(replace(desired, key_exact="KEY"), MAPPED)
        expected = replacement(cause) if cause == Cause.CAREER_CLUSTER_CHANGED else Planned(Action.PUT, cause)
        assert event_for(put) == expected
        assert event_for(put, "put") == Planned(Action.PUT, cause)
        assert event_for(moved) == event_for(moved, "put") == replacement(cause)
        assert event_for(moved, evidence=Approved()) == replacement(cause, f"key Delete/Post {cause}")


def test_a_record_of_another_key_is_replaced_though_the_last_request_had_no_answer():
    moved = replace(MAPPED, key_id="new", key_exact="New", begin_date="2025-08-21")
    assert event_for(Difference(moved, MAPPED, in_doubt=True)) == replacement(Cause.START_DATE_CHANGED)


def test_what_is_not_known_to_be_there_is_posted():
    assert event_for(Difference(MAPPED, None)) == Planned(Action.POST, Cause.NEW_RECORD)
    lost = Planned(Action.POST, Cause.ANSWER_LOST)
    assert event_for(Difference(MAPPED, None, in_doubt=True)) == lost
    for desired in (MAPPED, replace(MAPPED, payload_hash="other", career_cluster="9")):
        assert event_for(Difference(desired, MAPPED, in_doubt=True)) == lost


def test_where_the_document_is_the_same_nothing_is_sent():
    for columns, _ in CHANGES[:-1]:
        assert event_for(Difference(replace(MAPPED, **columns), MAPPED)) is None


class Known(Evidence):
    """What is known of the mapped record and of no other."""

    def __init__(self, **known: Any) -> None:
        self.campus_is_empty = known.get("campus_is_empty", False)
        self._known = known

    def rejected_for(self, mapped: Side) -> str | None:
        return self._known.get("rejected_for") if mapped == MAPPED else None

    def refused_lately(self, key_id: str) -> bool:
        return key_id == "key" and bool(self._known.get("refused_lately"))

    def approved(self, key_id: str, action: Action, cause: str) -> str | None:
        return self._known.get("approved") if (key_id, action, cause) == ("key", Action.DELETE, "no_show") else None


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"campus_is_empty": True},
        {"rejected_for": "start_date_missing"},
        {"refused_lately": True},
        {"approved": "list"},
    ],
)
def test_what_is_gone_is_judged_by_all_that_is_known(known: dict[str, Any]):
    gone = Difference(None, MAPPED, gone_because="no_show")
    assert event_for(gone, evidence=Known(**known)) == absence(Absence("no_show", **known))
    of_own = replace(gone, rejected_for="student_id_missing")
    held = Absence("no_show", **(known | {"rejected_for": "student_id_missing"}))
    assert event_for(of_own, evidence=Known(**known)) == absence(held), "its own enrollment comes first"


def test_nothing_is_known_against_a_delete_where_no_one_has_looked():
    nothing = Evidence()
    assert nothing.campus_is_empty is False
    assert nothing.rejected_for(MAPPED) is None
    assert nothing.refused_lately("key") is False
    assert nothing.approved("key", Action.DELETE, "no_show") is None
