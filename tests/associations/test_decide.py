"""What an absence is worth, and what the guard lets pass: design 4.1, row by row."""

from dataclasses import dataclass, replace

import pytest

from edfi_cte.associations.actions import Action, Cause
from edfi_cte.associations.decide import Absence, Decision, Guard, WaitsFor, Worth, absence, replacement
from edfi_cte.associations.plan import Difference, Side, event_for


@dataclass
class Limits:
    max_delete_fraction: float = 0.10
    max_delete_count: int = 5


@pytest.mark.parametrize(
    ("seen", "worth", "reason"),
    [
        (Absence("no_show"), Worth.DELETE, None),
        (Absence(Cause.ENROLLMENT_DELETED), Worth.DELETE, None),
        (Absence("career_cluster_unmapped", rejected_for="career_cluster_unmapped"), Worth.HELD, None),
        (Absence(Cause.NO_SOURCE), Worth.DELETE, None),
        (Absence(Cause.NO_SOURCE, rejected_for="student_id_missing"), Worth.HELD, "student_id_missing"),
        (Absence(Cause.NO_SOURCE, first_contact=True), Worth.WAITING, WaitsFor.FIRST_CONTACT),
        (Absence(Cause.NO_SOURCE, first_contact=True, rejected_for="x"), Worth.HELD, "x"),
        (Absence("no_show", refused_lately=True), Worth.OUT_OF_REACH, None),
        (Absence("no_show", campus_is_empty=True), Worth.WAITING, WaitsFor.EMPTY_EXTRACT),
        (Absence(Cause.NO_SOURCE, first_contact=True, approved="list"), Worth.DELETE, None),
        (Absence("x", rejected_for="x", approved="list"), Worth.DELETE, None),
    ],
)
def test_what_an_absence_is_worth(seen: Absence, worth: Worth, reason: str | None):
    decision = absence(seen)
    assert decision.worth == worth
    assert reason is None or decision.reason == reason
    assert decision.passes == (worth == Worth.DELETE)


def test_why_deletes_wait_is_told_in_words():
    assert {reason: reason.explanation for reason in WaitsFor} == {
        WaitsFor.FIRST_CONTACT: "they were in the ODS before the first sync, and no Campus record matches them",
        WaitsFor.GUARD: "they are more than the guard allows in its window of time",
        WaitsFor.LAST_RECORDS: "they are all that the ODS has of this target",
        WaitsFor.EMPTY_EXTRACT: "Campus returned no career-technical record at all",
    }


def test_what_is_gone_goes_where_nothing_else_is_known():
    mapped = Side(
        key_id="k",
        key_exact="k",
        payload_hash="0",
        enrollment_id=1,
        transformed_with="",
        student_unique_id="1",
        begin_date="2025-08-20",
        cte_program_type="0410",
        career_cluster="8",
    )
    assert event_for(Difference(None, mapped)) == absence(Absence(Cause.ENROLLMENT_DELETED))
    assert event_for(Difference(None, mapped, gone_because="no_show")) == absence(Absence("no_show"))
    held = Absence("x", rejected_for="x")
    assert event_for(Difference(None, mapped, gone_because="x", rejected_for="x")) == absence(held)
    moved = event_for(Difference(replace(mapped, key_exact="K"), mapped))
    assert isinstance(moved, Decision)
    assert (moved.worth, moved.list_id) == (Worth.REPLACE, None)


def waits(known: int, deleted: int = 0, **wanted: int) -> dict[str, WaitsFor]:
    guard = Guard(Limits(), known, deleted).weigh({(Action.DELETE, cause): n for cause, n in wanted.items()})
    return {cause: reason for (_, cause), reason in guard.waits.items()}


def test_the_share_always_counts_and_the_floor_lets_a_small_district_live():
    assert Guard(Limits(), 25).allowance == 5
    assert Guard(Limits(), 300).allowance == Guard(Limits(), 309).allowance == 30
    assert waits(300, no_show=30) == {}
    assert waits(300, no_show=31) == {"no_show": WaitsFor.GUARD}
    assert waits(25, no_show=5) == {}
    assert waits(25, no_show=6) == {"no_show": WaitsFor.GUARD}


def test_what_was_deleted_in_the_window_counts():
    assert waits(92, 8, no_show=2) == {}
    assert waits(92, 8, no_show=3) == {"no_show": WaitsFor.GUARD}


def test_a_mass_mistake_waits_as_a_whole_and_the_ordinary_few_go_on():
    assert waits(100, calendar_exclude=40, no_show=2, enrollment_deleted=3) == {"calendar_exclude": WaitsFor.GUARD}


def test_the_last_records_are_never_all_deleted_without_a_person():
    assert waits(3, no_show=3) == {"no_show": WaitsFor.LAST_RECORDS}
    assert waits(2, 2, no_show=2) == {"no_show": WaitsFor.LAST_RECORDS}
    assert waits(2, no_show=2) == {}


def test_a_record_without_a_source_is_none_of_the_last_records():
    assert waits(3, no_source=3) == {}
    assert waits(3, no_source=3, no_show=2) == {}
    assert waits(3, no_source=2, no_show=3) == {"no_show": WaitsFor.LAST_RECORDS}


def test_of_two_causes_of_one_size_always_the_same_goes_first():
    assert waits(10, no_show=3, calendar_exclude=3) == {"no_show": WaitsFor.GUARD}
    assert waits(10, calendar_exclude=3, no_show=3) == {"no_show": WaitsFor.GUARD}


def test_last_records_that_wait_are_no_less_right_for_a_new_record_beside_them():
    waiting = frozenset({(Action.DELETE, "no_show")})
    guard = Guard(Limits(), 4, last_records=waiting).weigh({(Action.DELETE, "no_show"): 3})
    assert guard.waits == {(Action.DELETE, "no_show"): WaitsFor.LAST_RECORDS}


def test_a_delete_post_is_counted_and_loses_nothing_of_the_last_records():
    guard = Guard(Limits(), 4).weigh({(Action.DELETE_POST, "start_date_changed"): 4})
    assert guard.decide(replacement("start_date_changed")).passes
    guard = Guard(Limits(), 4).weigh({(Action.DELETE_POST, "start_date_changed"): 6})
    waiting = guard.decide(replacement("start_date_changed"))
    assert (waiting.worth, waiting.action) == (Worth.WAITING, Action.DELETE_POST)


def test_a_persons_word_passes_the_guard_and_no_other_word_does():
    guard = Guard(Limits(), 25).weigh({(Action.DELETE, "no_show"): 20})
    assert guard.decide(absence(Absence("no_show", approved="list"))).passes
    assert not guard.decide(absence(Absence("no_show"))).passes
    held = absence(Absence("x", rejected_for="x"))
    assert guard.decide(held) is held
