"""What is kept of a record that stays in the ODS: why, since when, and until which pass sees it no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.associations.decide import Decision, Worth
from edfi_cte.ledger import kept
from edfi_cte.ledger.kept import FoundBy, KeptAs, KeptCount
from edfi_cte.ledger.schema import identity_mapping, kept_record
from tests.ledger.rows import AT, OTHER, TARGET, add, add_each

WAITS = Decision(Worth.WAITING, Action.DELETE, "no_show", "guard")
HELD = Decision(Worth.HELD, Action.DELETE, "rejected", "cluster_unmapped")
LATER = AT + timedelta(days=1)


def keep(connection: sa.Connection, *rows: dict[str, Any], at: Any = AT, run_id: str = "run") -> list[Any]:
    kept.keep(connection, TARGET, run_id, FoundBy.PLAN, at, rows)
    return connection.execute(sa.select(kept_record).order_by(kept_record.c.key_id)).all()


def one(decision: Decision, key_id: str = "k", **columns: Any) -> dict[str, Any]:
    return kept.row(decision, key_id, **({"enrollment_id": 1, "ods_id": "id"} | columns))


def test_a_decision_without_a_reason_is_kept_for_its_cause():
    assert kept.kept_as(WAITS) == KeptAs("waiting", "Delete", "no_show", "guard")
    bare = Decision(Worth.HELD, Action.DELETE_POST, "no_source")
    assert kept.kept_as(bare) == KeptAs("held", "Delete/Post", "no_source", "no_source")


def test_a_record_is_kept_with_all_that_is_known_of_it(memory: sa.Connection):
    [row] = keep(memory, one(WAITS, first_contact=True, refused_at=AT))
    assert dict(row._mapping) == {
        "target_id": TARGET,
        "key_id": "k",
        "state": "waiting",
        "action": "Delete",
        "cause": "no_show",
        "reason": "guard",
        "enrollment_id": 1,
        "ods_id": "id",
        "found_by": "plan",
        "first_contact": True,
        "since": AT,
        "seen_at": AT,
        "refused_at": AT,
        "run_id": "run",
    }


@pytest.mark.parametrize(
    ("again", "since", "refused_at"),
    [
        (WAITS, AT, AT),
        (HELD, LATER, None),
        (Decision(Worth.HELD, Action.DELETE, "no_show", "guard"), LATER, None),
        (Decision(Worth.WAITING, Action.DELETE, "no_show", "first_contact"), LATER, None),
        (Decision(Worth.WAITING, Action.DELETE, "no_source", "guard"), AT, AT),
    ],
)
def test_it_keeps_its_date_while_it_is_in_the_same_state_for_the_same_reason(
    memory: sa.Connection, again: Decision, since: Any, refused_at: Any
):
    keep(memory, one(WAITS, first_contact=True, refused_at=AT))
    [row] = keep(memory, one(again), at=LATER, run_id="second")
    assert (row.since, row.refused_at) == (since, refused_at)
    assert (row.seen_at, row.run_id, row.cause) == (LATER, "second", again.cause)
    assert row.first_contact, "that stays true of the record"


def test_a_new_refusal_and_a_first_contact_are_taken_over_and_the_last_of_a_key_counts(memory: sa.Connection):
    keep(memory, one(WAITS, refused_at=AT))
    rows = keep(memory, one(HELD), one(WAITS, first_contact=True, refused_at=LATER), one(HELD, "m"), at=LATER)
    assert [(row.key_id, row.state, row.first_contact, row.refused_at, row.since) for row in rows] == [
        ("k", "waiting", True, LATER, AT),
        ("m", "held", False, None, LATER),
    ]


def test_a_pass_sweeps_what_it_alone_sees_and_has_not_seen_again(memory: sa.Connection):
    base = {"key_id": "gone", "found_by": "plan", "seen_at": AT - timedelta(microseconds=1)}
    others = [
        {"key_id": "seen", "seen_at": AT},
        {"key_id": "seen later", "seen_at": LATER},
        {"key_id": "of the other pass", "found_by": "resync"},
        {"key_id": "of another target", "target_id": OTHER},
    ]
    add_each(memory, kept_record, base, others)
    kept.sweep(memory, TARGET, FoundBy.PLAN, AT)
    left = set(memory.scalars(sa.select(kept_record.c.key_id)))
    assert left == {row["key_id"] for row in others}


def test_strangers_are_what_a_resync_found_and_can_reach(memory: sa.Connection):
    base = {"key_id": "waits", "found_by": "resync", "state": "waiting"}
    others = [
        {"key_id": "held", "state": "held"},
        {"key_id": "hidden", "state": "out_of_reach"},
        {"key_id": "of a plan", "found_by": "plan"},
        {"key_id": "of another", "target_id": OTHER},
    ]
    add_each(memory, kept_record, base, others)
    assert sorted(kept.strangers(memory, TARGET)) == ["held", "waits"]


def test_a_target_is_forgotten_and_single_keys_are_dropped(memory: sa.Connection):
    add_each(memory, kept_record, {"key_id": "a"}, [{"key_id": "b"}, {"key_id": "c"}, {"target_id": OTHER}])
    kept.drop(memory, TARGET, ["a"])
    assert [row.key_id for row in kept.of_keys(memory, TARGET, ["a", "b"])] == ["b"]
    kept.forget(memory, TARGET)
    assert [row.target_id for row in memory.execute(sa.select(kept_record))] == [OTHER]


def test_what_the_ods_shows_again_may_be_asked_for_anew(memory: sa.Connection):
    base = {"key_id": "shown", "refused_at": AT}
    add_each(memory, kept_record, base, [{"key_id": "hidden"}, {"target_id": OTHER}])
    kept.in_reach(memory, TARGET, ["shown"])
    assert kept.refused_since(memory, TARGET, AT) == {"hidden"}
    assert kept.refused_since(memory, OTHER, AT) == {"shown"}
    assert kept.refused_since(memory, TARGET, AT + timedelta(microseconds=1)) == set()


def test_hidden_are_the_mapped_records_that_are_out_of_reach(memory: sa.Connection):
    base = {"key_id": "a", "state": "out_of_reach"}
    others = [{"key_id": "b", "state": "waiting"}, {"key_id": "unmapped"}, {"key_id": "c", "target_id": OTHER}]
    add_each(memory, kept_record, base, others)
    for target_id, key_id in ((TARGET, "a"), (TARGET, "b"), (TARGET, "c"), (OTHER, "a"), (OTHER, "c")):
        add(memory, identity_mapping, target_id=target_id, key_id=key_id, ods_id=f"{key_id} of {target_id}")
    assert kept.hidden(memory, TARGET) == {f"a of {TARGET}"}


def test_what_is_kept_is_listed_by_state_and_reason_oldest_first_and_counted_most_first(memory: sa.Connection):
    waits = {"state": "waiting", "action": "Delete", "cause": "no_show", "reason": "guard", "key_id": "a"}
    others = [
        {"key_id": "b", "since": AT - timedelta(1)},
        {"key_id": "c", "reason": "first_contact"},
        {"key_id": "d", "state": "held", "cause": "no_source"},
        {"key_id": "e", "target_id": OTHER},
    ]
    add_each(memory, kept_record, waits | {"since": AT}, others)
    assert [row["key_id"] for row in kept.listing(memory, TARGET)] == ["d", "c", "b", "a"]
    assert kept.counts(memory, TARGET) == [
        KeptCount("waiting", "Delete", "no_show", "guard", 2),
        KeptCount("held", "Delete", "no_source", "guard", 1),
        KeptCount("waiting", "Delete", "no_show", "first_contact", 1),
    ]
    assert kept.states(memory) == {TARGET: {"waiting": 3, "held": 1}, OTHER: {"waiting": 1}}


def test_what_waits_for_a_reason_is_told_by_action_and_cause(memory: sa.Connection):
    base = {"key_id": "a", "state": "waiting", "reason": "guard", "action": "Delete", "cause": "no_show"}
    others = [
        {"key_id": "b"},
        {"key_id": "c", "action": "Delete/Post", "cause": "x"},
        {"key_id": "d", "state": "held", "cause": "y"},
        {"key_id": "e", "reason": "first_contact", "cause": "z"},
        {"key_id": "f", "target_id": OTHER, "cause": "o"},
    ]
    add_each(memory, kept_record, base, others)
    assert kept.waiting_for(memory, TARGET, "guard") == {("Delete", "no_show"), ("Delete/Post", "x")}
