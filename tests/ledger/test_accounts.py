"""A run is held to its own events, those of its last plan, each counted once by what became of it."""

from __future__ import annotations

import sqlalchemy as sa

from edfi_cte.ledger import accounts
from edfi_cte.ledger.accounts import Answered, Failures
from edfi_cte.ledger.schema import attempt, event, record_outcome
from tests.ledger.rows import OTHER, TARGET, add, add_each

PLAN = 10
"""The last event before the plan."""
OF_RUN = {"run_id": "run", "step": "upsert", "action": "Post"}


def test_the_last_event_is_the_targets_newest(memory: sa.Connection):
    assert accounts.last_event(memory, TARGET) == 0
    add_each(memory, event, {"event_id": 4}, [{"event_id": 7}, {"event_id": 9, "target_id": OTHER}])
    assert accounts.last_event(memory, TARGET) == 7


def test_each_event_of_a_run_is_counted_by_what_became_of_it_and_whether_the_last_plan_made_it(memory: sa.Connection):
    rows = [
        *((number, "sent", "upsert", "Post") for number in (9, 10, 11, 12)),
        (13, "sent", "natural_key_changes", "Delete"),
        (14, "sent", "resync_ods", "Put"),
        (10_000, "sent", "upsert", "Put"),
        *((number, "failed", "upsert", "Post") for number in (8, 15)),
        *((number, "failed", "natural_key_changes", "Delete") for number in (7, 16, 17, 25)),
        (18, "failed", "natural_key_changes", "Delete/Post"),
        (19, "pending", "upsert", "Post"),
        (20, "sending", "resync_identity_mapping", "Put"),
        (21, "superseded", "upsert", "Post"),
        (22, "superseded", "natural_key_changes", "Delete"),
        *((number, "out_of_reach", "natural_key_changes", "Delete") for number in (6, 23, 24)),
    ]
    for number, status, step, action in rows:
        add(memory, event, event_id=number, status=status, step=step, action=action, run_id="run")
    add(memory, event, event_id=30, status="sent", run_id="other", step="upsert", action="Post")
    add(memory, event, event_id=31, status="sent", run_id="run", step="upsert", action="Post", target_id=OTHER)
    assert accounts.answered(memory, TARGET, "run", PLAN) == Answered(
        events=len(rows) - 2,
        sent={"Post": 4, "Delete": 1, "Put": 2},
        failed=5,
        failed_writes=2,
        left=2,
        of_plan=12,
        out_of_reach=2,
    )


def test_the_keys_that_a_plan_touches_are_those_of_its_events_and_the_ones_that_they_leave(memory: sa.Connection):
    base = {"event_id": PLAN + 1, "key_id": "b", "old_key_id": "a"}
    others = [
        {"event_id": PLAN, "key_id": "x", "old_key_id": "y"},
        {"event_id": 12, "key_id": "b", "old_key_id": None},
        {"event_id": 13, "key_id": "z", "old_key_id": None, "target_id": OTHER},
    ]
    add_each(memory, event, base, others)
    assert accounts.touched(memory, TARGET, PLAN) == ["a", "b"]


def test_just_written_is_what_the_run_has_sent_of_its_last_plan_and_not_deleted(memory: sa.Connection):
    base = OF_RUN | {"event_id": PLAN + 1, "status": "sent", "key_id": "posted"}
    others = [
        {"event_id": 12, "action": "Put", "key_id": "put"},
        {"event_id": 13, "action": "Delete/Post", "key_id": "replaced"},
        {"event_id": 14, "action": "Delete", "key_id": "deleted"},
        {"event_id": 15, "status": "failed", "key_id": "failed"},
        {"event_id": 16, "run_id": "other", "key_id": "another run's"},
        {"event_id": 17, "target_id": OTHER, "key_id": "another target's"},
        {"event_id": 18, "key_id": "not asked"},
        {"event_id": PLAN, "key_id": "of the plan before"},
    ]
    add_each(memory, event, base, others)
    asked = [base["key_id"], *(row["key_id"] for row in others if row["key_id"] != "not asked")]
    found = accounts.just_written(memory, TARGET, "run", PLAN, [str(key) for key in asked])
    assert found == {"posted", "put", "replaced"}


def test_failures_are_those_of_the_last_plan_by_the_answer_to_their_last_try_most_first(memory: sa.Connection):
    base = OF_RUN | {"event_id": PLAN + 1, "status": "failed"}
    others = [
        *({"event_id": number} for number in (13, 15, 17)),
        {"event_id": PLAN},
        {"event_id": 12, "status": "sent"},
        {"event_id": 14, "run_id": "other"},
        {"event_id": 16, "target_id": OTHER},
    ]
    add_each(memory, event, base, others)
    tries = [
        (11, "timeout", "at first"),
        (11, "reference", "add it"),
        (13, "reference", "a longer word"),
        (15, "validation", "mend it"),
        (17, "access", "ask for it"),
        *((number, "not of it", "-") for number in (PLAN, 12, 14, 16)),
    ]
    # The newest of an event's tries is the one with the highest number, wherever the database has it.
    for number, (event_id, error_type, advice) in reversed(list(enumerate(tries, 1))):
        add(memory, attempt, attempt_id=number, event_id=event_id, error_type=error_type, advice=advice)
    assert accounts.failures(memory, TARGET, "run", PLAN) == [
        Failures("reference", "add it", 2),
        Failures("access", "ask for it", 1),
        Failures("validation", "mend it", 1),
    ]


def test_desired_are_the_targets_records_of_that_outcome_alone(memory: sa.Connection):
    base = {"enrollment_id": 1, "outcome": "desired"}
    kinds = ("desired", "excluded", "rejected", "superseded")
    others = [{"enrollment_id": number, "outcome": kind} for number, kind in enumerate(kinds, 2)]
    add_each(memory, record_outcome, base, [*others, {"target_id": OTHER}])
    assert accounts.desired(memory, TARGET) == 2
