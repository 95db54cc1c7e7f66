"""What a report says word for word, and a plan's numbers: of a lane that asks nothing of any system."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edfi_cte.associations.actions import Action, Cause
from edfi_cte.associations.decide import Decision, Guard, WaitsFor, Worth
from edfi_cte.associations.model import digest
from edfi_cte.associations.plan import Difference, Planned, Side
from edfi_cte.associations.transform import RejectionReason
from edfi_cte.ledger import deletions
from edfi_cte.ledger.accounts import Answered, Failures
from edfi_cte.ledger.approvals import DeleteList
from edfi_cte.ledger.differences import Found
from edfi_cte.ledger.kept import KeptAs, KeptCount
from edfi_cte.ledger.schema import event, identity_mapping
from edfi_cte.settings import Guards
from edfi_cte.sync import planning, report
from edfi_cte.sync.keeping import Standing, approval_help
from edfi_cte.sync.lane import Lane, RunOptions
from edfi_cte.sync.planning import PlanCounts, event_row
from edfi_cte.sync.report import Report, expected_steps
from tests.ledger.rows import AT, TARGET, add
from tests.sync.world import World


@pytest.fixture
def lane(tmp_path: Path) -> Lane:
    nowhere = SimpleNamespace(base_url="http://127.0.0.1:9", key="key", secret="secret")
    lane = World({2026: nowhere}, tmp_path).lane(run_id="run")
    assert lane.target_id == TARGET
    return lane


def test_a_table_has_a_line_for_each_number_and_then_what_to_do():
    counts = {"extracted": 1234, "failed for": {"validation": 1, "conflict": 2000}, "rejected for": {}}
    one = Report(TARGET, "failed", "why", counts, {"validation": "mend it"}, {"validation": [1, 22]})
    assert one.table().splitlines() == [
        f"{TARGET}: failed",
        "  extracted" + " " * 37 + "1,234",
        "  failed for",
        "    validation" + " " * 38 + "1",
        "    conflict" + " " * 36 + "2,000",
        "  validation: mend it",
        "  validation, the first enrollments: 1, 22",
        "",
        "  why",
    ]
    assert replace(one, message=None, examples={}, advice={}).table().splitlines()[-1].endswith("2,000")


LISTS = (DeleteList("039141-2026:aa", "waiting", 5, AT, "run"), DeleteList("039141-2026:bb", "held", 2, AT, "run"))
KEPT = (
    KeptCount("waiting", "Delete", "no_show", "guard", 2),
    KeptCount("waiting", "Delete/Post", "start_date_changed", "guard", 1),
    KeptCount("waiting", "Delete", "enrollment_deleted", "last_records", 3),
    KeptCount("waiting", "Delete", "no_source", "first_contact", 4),
    KeptCount("held", "Delete", "no_source", "cluster_unmapped", 5),
    KeptCount("held", "Delete", "no_show", "cluster_unmapped", 1),
    KeptCount("out_of_reach", "Delete", "not_shown", "not_shown", 6),
)


def what_to_do(list_id: str) -> str:
    return (
        "Look at them: edfi-cte plan --scope-year 2026 --district 039141 --list. If they are to be deleted, trigger "
        f"the DAG with approve = {list_id} (airflow dags trigger student_cte_program_associations --conf "
        f'\'{{"scope_year": 2026, "district_number": "039141", "approve": "{list_id}"}}\'); else correct Campus or '
        "the preferences, and the records stay."
    )


def test_what_is_kept_is_counted_by_state_and_reason():
    standing = Standing(KEPT, LISTS)
    assert standing.replacements == 1
    assert standing.counts() == {
        "held for": {"cluster_unmapped": 6},
        "waiting for a person": {"guard": 3, "last_records": 3, "first_contact": 4},
        "out of the key's reach": {"not_shown": 6},
        "to approve": {"039141-2026:aa": 5, "039141-2026:bb": 2},
    }


def test_an_alarm_says_how_many_wait_why_and_what_to_trigger(lane: Lane):
    with lane.ledger.begin() as connection:
        for key in ("a", "b"):
            add(connection, identity_mapping, target_id=TARGET, key_id=key, ods_id=key)
    assert Standing(KEPT, LISTS).alarm(lane) == (
        "039141-2026: 6 deletes wait for a person: they are more than the guard allows in its window of time; they "
        "are all that the ODS has of this target (10% of 2 records, and more than 5, in 24 h; 0 were deleted in that "
        "time). They are: 3 Delete because of enrollment_deleted, 2 Delete because of no_show, 1 Delete/Post because "
        f"of start_date_changed. Posts and puts went on. {what_to_do('039141-2026:aa')}"
    )


@pytest.mark.parametrize("kept", [(), KEPT[3:]])
def test_what_waits_from_a_first_contact_or_is_held_is_no_alarm(lane: Lane, kept: tuple[KeptCount, ...]):
    assert Standing(kept, LISTS).alarm(lane) is None


def test_advice_is_of_what_is_kept_alone(lane: Lane):
    assert Standing(KEPT[:3], LISTS).advice(lane) == {}
    assert Standing(KEPT, LISTS).advice(lane) == {
        "held": "the ODS keeps these records until their Campus error is corrected; then they go on by themselves. "
        + what_to_do("039141-2026:bb"),
        "waiting": "they were in the ODS before the first sync, and no Campus record matches them. "
        + what_to_do("039141-2026:aa"),
        "out of reach": "the students are not enrolled with the district any more, so only the state can delete the "
        "records. Send it the list: edfi-cte plan --scope-year 2026 --district 039141 --list",
    }
    assert approval_help(lane, LISTS[0]) == what_to_do("039141-2026:aa")


SHORT = ["preflight", "extract", "transform"]
ALL = [*SHORT, "upsert", "natural_key_changes", "resync_identity_mapping", "resync_ods"]


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        (RunOptions(), ALL),
        (RunOptions(resync=False), ALL[:5]),
        (RunOptions(dry_run=True), SHORT),
        (RunOptions(dry_run=True, resync=False), SHORT),
    ],
)
def test_a_run_has_the_steps_of_its_options(lane: Lane, options: RunOptions, steps: list[str]):
    lane.options = options
    assert expected_steps(lane) == steps
    assert report._failure(lane, {step: {} for step in steps}) is None
    assert report._failure(lane, {}) == f"{TARGET}: preflight did not end; its log says why"


def test_the_first_fault_is_what_a_run_failed_for(lane: Lane):
    parts = {"upsert 1/2": {"attempted": 1}, "upsert 2/2": {"fault": "no answer"}}
    whole = report._whole_steps(
        {
            "transform": {"transform": {"fault": "before"}},
            "upsert": parts,
            "extract": {},
            "preflight": {"p": {"a": 1}},
        }
    )
    assert whole == {"preflight": {"a": 1}, "transform": {"fault": "before"}, "upsert": {"fault": "no answer"}}
    assert list(whole) == ["preflight", "transform", "upsert"], "in the order of a run"
    assert report._failure(lane, whole) == "before"


NOTHING = Answered(events=0, sent={}, failed=0, failed_writes=0, left=0, of_plan=0, out_of_reach=0)


def test_a_run_that_ended_at_once_has_all_numbers():
    assert report._counts({}, NOTHING, [], 0) == {
        "extracted": 0,
        "excluded by": {},
        "rejected for": {},
        "superseded by another enrollment": 0,
        "desired": 0,
        "unchanged": 0,
        "planned": {},
        "because of": {},
        "sent": {"Post": 0, "Put": 0, "Delete": 0, "Delete/Post": 0},
        "failed": 0,
        "failed for": {},
        "left in the queue": 0,
        "resync found": {},
        "differs whatever is put": {},
        "desired and in the ODS as such": 0,
    }


MADE = {"desired": 5, "excluded": 2, "rejected": 1, "superseded": 1, "planned": {"Post": 3, "Put": 1}}


@pytest.mark.parametrize(
    ("answered", "in_step", "extracted", "replacements", "said"),
    [
        ({"of_plan": 4}, 5, 9, 0, None),
        ({"of_plan": 4}, 6, 9, 0, None),
        ({"of_plan": 4}, 5, 8, 0, "8 records were extracted, but 9 accounted for"),
        ({"of_plan": 3}, 5, 9, 0, "4 events were planned, but 3 are in the queue: another run, or edfi-cte plan, "),
        ({"of_plan": 5}, 5, 9, 0, "4 events were planned, but 5 are in the queue"),
        ({"of_plan": 4, "left": 1}, 5, 9, 0, "1 events are neither sent nor failed"),
        ({"of_plan": 4}, 4, 9, 0, "1 desired records are not in the ODS, and no failed event says why"),
        ({"of_plan": 4, "failed_writes": 1}, 4, 9, 0, None),
        ({"of_plan": 4, "failed_writes": 1}, 2, 9, 2, None),
        ({"of_plan": 4, "failed_writes": 1}, 1, 9, 2, "4 desired records are not in the ODS"),
    ],
)
def test_sums_that_do_not_meet_are_told(
    lane: Lane, answered: dict[str, int], in_step: int, extracted: int, replacements: int, said: str | None
):
    kept = (KeptCount("waiting", "Delete/Post", "c", "guard", replacements),)
    counts = {"extracted": extracted, "desired and in the ODS as such": in_step}

    def unaccounted(steps: dict[str, Any]) -> str | None:
        return report._unaccounted(lane, steps, replace(NOTHING, **answered), counts, Standing(kept, ()))

    found = unaccounted({"transform": MADE, "upsert": {}})
    assert (found is None) if said is None else (found is not None and found.startswith(f"{TARGET}: {said}"))
    assert unaccounted({}) is None
    early = unaccounted({"transform": MADE})
    assert (early is None) == (extracted == 9), "what was not sent is no fault of a dry run"


def test_a_document_that_was_taken_away_is_told_by_its_enrollment(lane: Lane):
    with lane.ledger.begin() as connection:
        assert report._lost(connection, lane) is None
        columns = {"target_id": TARGET, "old_body": "{}", "status": "failed", "action": "Delete/Post"}
        for number in range(7, 2, -1):
            add(connection, event, **columns, enrollment_id=number, key_id=str(number))
        said = report._lost(connection, lane)
        assert said == (
            f"{TARGET}: 5 records were deleted to be posted again, and the ODS has accepted neither the new nor the "
            "old document since, or has not answered: enrollments 3, 4, 5, 6, 7. They may be missing there. What the "
            "ODS said: edfi-cte why --scope-year 2026 3. Each run tries again."
        )
        add(connection, event, **columns, enrollment_id=8, key_id="8")
        said = report._lost(connection, lane)
    assert said is not None
    assert ": 6 records were" in said
    assert "enrollments 3, 4, 5, 6, 7 .... They" in said


def test_advice_names_each_rejection_and_failure():
    failures = [Failures("validation", "mend it", 3)]
    [reason, *_] = RejectionReason
    advice = report._advice({"transform": {"rejected_for": {str(reason): 1}}}, failures)
    assert advice == {str(reason): reason.advice, "validation": "mend it"}
    assert report._advice({}, []) == {}


def side(key_id: str = "k", **values: Any) -> Side:
    known = {name: f"{name} of {key_id}" for name in Side.__dataclass_fields__}
    return Side(**(known | {"key_id": key_id, "enrollment_id": 1} | values))


def found(desired: Side | None, mapped: Side | None) -> Found:
    return Found(Difference(desired, mapped), "body", "content", "Health", "ods id")


DELETE = Decision(Worth.DELETE, Action.DELETE, "no_show")
REPLACE = Decision(Worth.REPLACE, Action.DELETE_POST, "start_date_changed")
WAITS = Decision(Worth.WAITING, Action.DELETE_POST, "start_date_changed", "guard")
BOTH, NEW, GONE = found(side(), side()), found(side(), None), found(None, side())


def test_a_plan_is_counted_before_the_guard_has_its_say():
    counts = PlanCounts()
    for what, said in (
        (NEW, Planned(Action.POST, Cause.NEW_RECORD)),
        (BOTH, Planned(Action.PUT, Cause.VALUE_CHANGED)),
        (NEW, Planned(Action.POST, Cause.PUT_BACK)),
        (BOTH, None),
        (GONE, DELETE),
        (GONE, replace(DELETE, list_id="list")),
        (BOTH, REPLACE),
        (BOTH, WAITS),
        (GONE, Decision(Worth.HELD, Action.DELETE, "no_source", "cluster_unmapped")),
    ):
        counts.add(what, said)
    assert counts.by_action == {"Post": 2, "Put": 1, "Delete": 2, "Delete/Post": 1}
    assert counts.by_cause == {
        "new_record": 1,
        "value_changed": 1,
        "put_back": 1,
        "no_show": 2,
        "start_date_changed": 1,
    }
    assert counts.wanted == {DELETE.item: 1, REPLACE.item: 1}, "what is approved is not weighed"
    held = KeptAs("held", "Delete", "no_source", "cluster_unmapped")
    assert counts.kept == {KeptAs("waiting", "Delete/Post", "start_date_changed", "guard"): 1, held: 1}
    assert counts.touched == 4


def test_what_the_guard_keeps_waiting_is_planned_no_more():
    counts = PlanCounts()
    for _ in range(2):
        counts.add(GONE, DELETE)
    counts.add(GONE, replace(DELETE, list_id="list"))
    counts.add(BOTH, REPLACE)
    guard = counts.weigh(Guard(Guards(max_delete_fraction=0, max_delete_count=1), known=100))
    assert guard.waits == {DELETE.item: WaitsFor.GUARD}
    assert counts.by_action == {"Delete": 1, "Delete/Post": 1}
    assert counts.by_cause == {"no_show": 1, "start_date_changed": 1}
    assert counts.kept == {KeptAs("waiting", "Delete", "no_show", "guard"): 2}


def test_causes_that_wait_as_a_whole_are_not_among_those_planned():
    counts = PlanCounts()
    counts.add(GONE, DELETE)
    counts.weigh(Guard(Guards(max_delete_fraction=0, max_delete_count=0), known=100))
    assert (counts.by_action, counts.by_cause) == ({}, {})


OF_K = {
    "enrollment_id": 1,
    "key_id": "k",
    "key_exact": "key_exact of k",
    "student_unique_id": "student_unique_id of k",
    "begin_date": "begin_date of k",
    "cte_program_type": "cte_program_type of k",
    "career_cluster": "career_cluster of k",
    "ods_id": "ods id",
    "body": "body",
}
TO_SEND = {
    "payload_hash": "payload_hash of k",
    "content_hash": "content",
    "transformed_with": "transformed_with of k",
    "program_name": "Health",
}


@pytest.mark.parametrize(
    ("what", "action", "step", "rest"),
    [
        (NEW, Action.POST, "upsert", TO_SEND),
        (BOTH, Action.PUT, "upsert", TO_SEND),
        (GONE, Action.DELETE, "natural_key_changes", {}),
        (found(side(), side("old")), Action.DELETE_POST, "natural_key_changes", TO_SEND | {"old_key_id": "old"}),
    ],
)
def test_an_event_carries_what_its_step_needs(what: Found, action: Action, step: str, rest: dict[str, Any]):
    assert event_row(what, action) == {"step": step, "action": action} | OF_K | rest


def test_a_document_that_is_put_back_is_as_it_was_taken_away():
    old = json.dumps({"programReference": {"programName": "Health"}, "beginDate": "2025-08-20"})
    row: Any = SimpleNamespace(old_body=old, **vars(SimpleNamespace(**OF_K | TO_SEND)))
    known = side(payload_hash="another", career_cluster="8")
    for mapped, cluster in ((known, "8"), (None, "")):
        made = planning._to_put_back(row, mapped)
        assert made.difference == Difference(replace(side(), payload_hash=digest(old), career_cluster=cluster), None)
        assert (made.body, made.program_name, made.ods_id) == (old, "Health", None)
        assert made.content_hash == planning.content_hash(json.loads(old))


def test_what_was_deleted_lately_is_told_in_the_alarm(lane: Lane, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deletions, "since", lambda *_: 17)
    assert "; 17 were deleted in that time)" in str(Standing(KEPT, LISTS).alarm(lane))
