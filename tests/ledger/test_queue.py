"""The queue of events: what is claimed, given back, set aside and counted, and the documents that it keeps."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.associations.decide import Decision, Worth
from edfi_cte.ledger import bulk, events, old_documents, resyncs
from edfi_cte.ledger.old_documents import OldDocument
from edfi_cte.ledger.schema import event, kept_record, record_outcome, resync
from tests.ledger.rows import AT, OTHER, TARGET, add, add_each

STATUSES = ("pending", "sending", "sent", "failed", "superseded", "out_of_reach")
BASE: dict[str, Any] = {"event_id": 10, "step": "upsert", "action": "Post", "status": "pending", "key_id": "k"}


def of(connection: sa.Connection, *names: str) -> list[Any]:
    columns = (event.c[name] for name in names)
    return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(event.c.event_id))]


def test_a_post_is_queued_with_what_it_is_about_and_blank_besides(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk, "now", lambda: AT)
    row = {"step": "upsert", "action": "Post", "cause": "new_record", "key_id": "k", "body": "{}"}
    events.add(memory, TARGET, "run", [row, row | {"action": "Put"}])
    first, second = memory.execute(sa.select(event).order_by(event.c.event_id)).all()
    queued = {"event_id": 1, "target_id": TARGET, "run_id": "run", "status": "pending", "in_doubt": False}
    queued |= {"old_in_doubt": False, "attempts": 0, "queued_at": AT}
    assert dict(first._mapping) == dict.fromkeys(event.columns.keys()) | row | queued
    assert second.action == "Put"


@pytest.mark.parametrize("action", ["Delete", "Delete/Post"])
def test_nothing_that_deletes_is_queued_without_a_decision_that_lets_it_pass(memory: sa.Connection, action: str):
    row = {"step": "upsert", "action": action, "cause": "x", "key_id": "k"}
    post = row | {"action": "Post"}
    with pytest.raises(ValueError, match="made of a Decision"):
        events.add(memory, TARGET, "run", [post, row])
    passes = Decision(Worth.DELETE, Action.DELETE, "no_show", list_id="list")
    for worth in (Worth.HELD, Worth.WAITING, Worth.OUT_OF_REACH):
        with pytest.raises(ValueError, match="is not deleted"):
            events.add_decided(memory, TARGET, "run", [(passes, row), (Decision(worth, Action.DELETE, "c"), row)])
    assert of(memory, "event_id") == []
    replaces = Decision(Worth.REPLACE, Action.DELETE_POST, "c")
    events.add_decided(memory, TARGET, "run", [(passes, {"step": "s", "key_id": "a"}), (replaces, row)])
    assert of(memory, "action", "cause", "list_id", "step") == [
        ("Delete", "no_show", "list", "s"),
        ("Delete/Post", "c", None, "upsert"),
    ]


@pytest.mark.parametrize("step", [None, "upsert"])
def test_what_is_unfinished_is_set_aside_of_all_steps_or_of_one(memory: sa.Connection, step: str | None):
    others: list[dict[str, Any]] = [{"event_id": number, "status": s} for number, s in enumerate(STATUSES[1:], 11)]
    add_each(memory, event, BASE, [*others, {"event_id": 20, "step": "other"}, {"event_id": 21, "target_id": OTHER}])
    events.supersede(memory, TARGET, step)
    changed = [number for number, status in of(memory, "event_id", "status") if status == "superseded"]
    assert changed == [10, 11, 14, *([20] if step is None else [])]


def test_the_next_in_the_queue_of_the_step_are_claimed_in_their_order_and_in_doubt(memory: sa.Connection):
    others: list[dict[str, Any]] = [
        {"event_id": 9, "old_key_id": "o", "attempts": 3, "old_in_doubt": True},
        *({"event_id": number, "status": status} for number, status in enumerate(STATUSES[1:], 11)),
        {"event_id": 4, "step": "other"},
        {"event_id": 5, "target_id": OTHER},
        {"event_id": 20, "action": "Put"},
        {"event_id": 21},
    ]
    add_each(memory, event, BASE, others)
    claimed = events.claim(memory, TARGET, "upsert", "try", 3)
    assert [(row.event_id, row.in_doubt, row.old_in_doubt) for row in claimed] == [
        (9, False, True),
        (10, False, False),
        (20, False, False),
    ], "the doubts are those that earlier tries have left"
    columns = ("event_id", "claimed_by", "status", "in_doubt", "old_in_doubt", "attempts")
    assert [row for row in of(memory, *columns) if row[1]] == [
        (9, "try", "sending", True, True, 4),
        (10, "try", "sending", True, False, 1),
        (20, "try", "sending", True, False, 1),
    ]


def test_events_of_one_action_are_claimed_and_counted_alone(memory: sa.Connection):
    others = [
        {"event_id": 11, "action": "Put"},
        {"event_id": 12, "action": "Put", "status": "sending"},
        *({"event_id": n, "action": "Put", "status": s} for n, s in enumerate(STATUSES[2:], 13)),
        {"event_id": 20, "action": "Put", "step": "other"},
        {"event_id": 21, "action": "Put", "target_id": OTHER},
    ]
    add_each(memory, event, BASE, others)
    assert events.unfinished(memory, TARGET, "upsert") == 3
    assert events.unfinished(memory, TARGET, "upsert", only=Action.PUT) == 2
    claimed = events.claim(memory, TARGET, "upsert", "try", 9, only=Action.PUT)
    assert [row.event_id for row in claimed] == [11]


def test_what_was_claimed_and_not_sent_goes_back_with_the_doubt_of_earlier_tries(memory: sa.Connection):
    doubts = [(False, False), (True, False), (False, True), (True, True), (False, False)]
    for number, (doubt, old) in enumerate(doubts, 1):
        add(memory, event, **(BASE | {"event_id": number, "in_doubt": doubt, "old_in_doubt": old}))
    claimed = events.claim(memory, TARGET, "upsert", "try", 9)
    events.give_back(memory, claimed[:4])
    assert of(memory, "status", "in_doubt", "old_in_doubt") == [
        *(("pending", doubt, old) for doubt, old in doubts[:4]),
        ("sending", True, False),
    ]


def test_programs_are_those_that_unfinished_events_refer_to(memory: sa.Connection):
    base = BASE | {"program_name": "Farm"}
    others: list[dict[str, Any]] = [
        {"event_id": 11, "status": "sending", "action": "Delete/Post"},
        {"event_id": 12, "program_name": "Shop"},
        {"event_id": 13, "program_name": None},
        {"event_id": 14, "action": "Delete"},
        {"event_id": 15, "step": "other"},
        {"event_id": 16, "target_id": OTHER},
        *({"event_id": number, "status": status} for number, status in enumerate(STATUSES[2:], 17)),
    ]
    add_each(memory, event, base, others)
    assert events.program_names(memory, TARGET, "upsert") == {"Farm": 2, "Shop": 1}


def test_the_documents_that_were_deleted_are_due_until_their_key_is_settled(memory: sa.Connection):
    others: list[dict[str, Any]] = [
        {"event_id": 9, "status": "failed"},
        {"event_id": 11, "key_id": "b", "status": "sending"},
        {"event_id": 12, "key_id": "sent", "status": "sent"},
        {"event_id": 13, "key_id": "another's", "target_id": OTHER},
        {"event_id": 14, "key_id": "no document"},
        *({"event_id": n, "key_id": s, "status": s} for n, s in enumerate(("superseded", "out_of_reach"), 20)),
    ]
    add_each(memory, event, BASE, others)
    bodies = {number: f"of {number}" for (number,) in of(memory, "event_id") if number != 14}
    old_documents.keep(memory, bodies)
    due = old_documents.due(memory, TARGET)
    assert due == {
        "k": OldDocument("of 10", (9, 10)),
        "b": OldDocument("of 11", (11,)),
        "superseded": OldDocument("of 20", (20,)),
        "out_of_reach": OldDocument("of 21", (21,)),
    }
    old_documents.drop(memory, [due["k"], due["b"]])
    assert old_documents.due(memory, TARGET).keys() == {"superseded", "out_of_reach"}


def test_of_those_documents_the_rejected_are_told_and_those_that_may_be_missing(memory: sa.Connection):
    base = BASE | {"old_body": "{}", "enrollment_id": 1, "key_id": "1"}
    kinds: list[dict[str, Any]] = [
        {},
        {"in_doubt": True},
        {"old_in_doubt": True},
        {"status": "failed"},
        {"status": "superseded"},
        {"status": "out_of_reach"},
    ]
    others = [
        columns | {"event_id": 10 + n, "enrollment_id": n, "key_id": f"{n}"} for n, columns in enumerate(kinds, 2)
    ]
    add_each(memory, event, base, [*others, {"event_id": 30, "enrollment_id": 4}])
    assert old_documents.enrollments(memory, TARGET) == [3, 4, 5, 6, 7]
    outcomes = [{"enrollment_id": 2, "outcome": "desired"}, {"enrollment_id": 9}, {"enrollment_id": 3}]
    add_each(memory, record_outcome, {"enrollment_id": 1, "outcome": "rejected"}, outcomes)
    add(memory, record_outcome, enrollment_id=5, outcome="rejected", target_id=OTHER)
    rejected = old_documents.of_rejected(memory, TARGET)
    assert {key: row.event_id for key, row in rejected.items()} == {"3": 13}, (
        "the newest event of key 1 is of another"
    )


def test_a_run_leaves_the_ods_open_by_what_it_did_not_send_but_for_posts(memory: sa.Connection):
    base = BASE | {"run_id": "run", "action": "Post"}
    for columns, is_open in (
        ({"action": "Put"}, True),
        ({"action": "Delete", "status": "failed"}, True),
        ({"action": "Delete/Post", "status": "sending"}, True),
        ({}, False),
        ({"action": "Put", "status": "sent"}, False),
        ({"action": "Put", "status": "superseded"}, False),
        ({"action": "Put", "status": "out_of_reach"}, False),
        ({"action": "Put", "run_id": "other"}, False),
        ({"action": "Put", "target_id": OTHER}, False),
    ):
        memory.execute(sa.delete(event))
        add(memory, event, **(base | columns))
        assert resyncs.anything_open(memory, TARGET, "run") is is_open, columns


def test_a_stranger_is_what_a_resync_found_and_the_ods_shows(memory: sa.Connection):
    base = {"found_by": "resync", "state": "waiting"}
    for columns, is_one in (
        ({}, True),
        ({"state": "held"}, True),
        ({"state": "out_of_reach"}, False),
        ({"found_by": "plan"}, False),
        ({"target_id": OTHER}, False),
    ):
        memory.execute(sa.delete(kept_record))
        add(memory, kept_record, **(base | columns))
        assert resyncs.any_stranger(memory, TARGET) is is_one, columns


def test_what_a_resync_leaves_takes_the_place_of_what_the_last_one_of_the_target_left(memory: sa.Connection):
    add(memory, resync, target_id=OTHER)
    values = {"data_url": "u", "scope": "s", "whole_at": AT, "earlier_version": 1, "newest_version": 2}
    for version in (2, 3):
        resyncs.save(memory, TARGET, **(values | {"newest_version": version}))
    row = resyncs.last(memory, TARGET)
    assert row is not None
    assert dict(row._mapping) == values | {"target_id": TARGET, "newest_version": 3}
    assert resyncs.last(memory, "x") is None
    assert resyncs.last(memory, OTHER) is not None


def test_an_answer_says_nothing_that_it_is_not_told(memory: sa.Connection):
    add(memory, event, **BASE)
    bare = events.Result(memory.execute(sa.select(event)).one())
    assert not any((bare.deleted, bare.moved, bare.out_of_reach, bare.doubt, bare.old_doubt))
    failure = events.Failure("timeout", "-", "-")
    assert not any((failure.outcome_unknown, failure.systemic))
