"""What differs is told whole: both sides, why a record is gone, what is in doubt, and what an event has to carry."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.associations.plan import Cause, Difference, Side
from edfi_cte.ledger import bulk, differences, streams
from edfi_cte.ledger.differences import Found
from edfi_cte.ledger.schema import event, identity_mapping, record_outcome
from tests.ledger.rows import OTHER, TARGET, add


def hexed(key: int) -> str:
    return f"{key:032x}"


def side(key: int, enrollment_id: int, mark: str = "-") -> dict[str, Any]:
    names = ("key_exact", "payload_hash", "transformed_with", "student_unique_id")
    names += ("begin_date", "cte_program_type", "career_cluster")
    return {name: f"{name} {mark}" for name in names} | {"key_id": hexed(key), "enrollment_id": enrollment_id}


def carried(key: int, mark: str = "-") -> dict[str, Any]:
    return {name: f"{name} {key} {mark}" for name in ("body", "content_hash", "program_name")}


def desire(connection: sa.Connection, key: int, number: int, mark: str = "-", **columns: Any) -> None:
    row = {"outcome": "desired"} | side(key, number, mark) | carried(key, mark) | columns
    add(connection, record_outcome, **row)


def map_(connection: sa.Connection, key: int, number: int, mark: str = "-", **columns: Any) -> None:
    add(connection, identity_mapping, **(side(key, number, mark) | {"ods_id": f"ods {key}"} | columns))


def became(connection: sa.Connection, number: int, outcome: str, reason: str | None = None, **columns: Any) -> None:
    add(connection, record_outcome, enrollment_id=number, outcome=outcome, reason=reason, **columns)


def doubt(connection: sa.Connection, key: int, number: int, mark: str = "-", **columns: Any) -> None:
    row = {"action": "Post", "status": "superseded", "in_doubt": True} | side(key, number, mark)
    add(connection, event, **(row | carried(key, mark) | columns))


def new(key: int, number: int, *, in_doubt: bool = False) -> Found:
    return Found(Difference(Side(**side(key, number)), None, in_doubt), **carried(key), ods_id=None)


def both(key: int, number: int, old: Side, ods_id: str, *, in_doubt: bool = False) -> Found:
    return Found(Difference(Side(**side(key, number)), old, in_doubt), **carried(key), ods_id=ods_id)


def gone(key: int, number: int, because: str, rejected_for: str | None = None) -> Found:
    difference = Difference(None, Side(**side(key, number)), gone_because=because, rejected_for=rejected_for)
    return Found(difference, None, None, None, f"ods {key}")


def lost(key: int, number: int, mark: str = "-", rejected_for: str | None = None) -> Found:
    difference = Difference(None, Side(**side(key, number, mark)), True, Cause.ANSWER_LOST, rejected_for)
    return Found(difference, **carried(key, mark), ods_id=None)


def told(memory: sa.Connection) -> list[Found]:
    memory.commit()
    return list(differences.differences(memory.engine, TARGET))


@pytest.fixture(params=[0, 60], ids=["dense", "sparse"], autouse=True)
def in_step(request: pytest.FixtureRequest, memory: sa.Connection) -> list[str]:
    """Records that are as they should be, so many that what differs is fetched by range or one by one."""
    keys = range(0x1000, 0x1000 + request.param)
    for key in keys:
        desire(memory, key, key)
        map_(memory, key, key)
    return [hexed(key) for key in keys]


def test_what_is_desired_is_new_moved_or_changed(memory: sa.Connection):
    for key, number in ((0x9000, 1), (0x02, 2), (0x13, 3), (0x04, 4), (0x8000, 5)):
        desire(memory, key, number)
    map_(memory, 0x12, 2, "old")
    map_(memory, 0x11, 2, "older")
    map_(memory, 0x13, 3, "old")
    map_(memory, 0x04, 4)
    map_(memory, 0x9000, 1, target_id=OTHER)
    desire(memory, 0x03, 2, "other", target_id=OTHER)
    map_(memory, 0x10, 5, target_id=OTHER)
    became(memory, 6, "superseded", key_id=hexed(0x06))
    assert told(memory) == [
        new(0x8000, 5),
        new(0x9000, 1),
        both(0x02, 2, Side(**side(0x11, 2, "older")), "ods 17"),
        both(0x13, 3, Side(**side(0x13, 3, "old")), "ods 19"),
        Found(
            Difference(None, Side(**side(0x12, 2, "old")), gone_because=Cause.SUPERSEDED), None, None, None, "ods 18"
        ),
    ]


def test_of_as_many_records_on_both_sides_those_that_differ_are_told_alone(memory: sa.Connection):
    for key in (1, 2):
        desire(memory, key, key)
        map_(memory, key, key, "old" if key == 1 else "-")
    assert told(memory) == [both(1, 1, Side(**side(1, 1, "old")), "ods 1")]
    desire(memory, 3, 3)
    map_(memory, 0, 9)
    assert told(memory) == [
        new(3, 3),
        both(1, 1, Side(**side(1, 1, "old")), "ods 1"),
        gone(0, 9, Cause.ENROLLMENT_DELETED),
    ]


def test_what_is_gone_says_what_became_of_its_record(memory: sa.Connection):
    for key, number in ((0x21, 1), (0x22, 2), (0x9003, 3), (0x24, 4), (0x25, 4)):
        map_(memory, key, number)
    became(memory, 2, "excluded", "no_show")
    became(memory, 3, "rejected", "start_date_missing")
    became(memory, 4, "superseded", "no part of it")
    became(memory, 1, "rejected", "another's", target_id=OTHER)
    desire(memory, 0x21, 9, target_id=OTHER)
    map_(memory, 0x23, 5, target_id=OTHER)
    assert told(memory) == [
        gone(0x21, 1, Cause.ENROLLMENT_DELETED),
        gone(0x22, 2, "no_show"),
        gone(0x9003, 3, "start_date_missing", "start_date_missing"),
        gone(0x24, 4, Cause.SUPERSEDED),
        gone(0x25, 4, Cause.SUPERSEDED),
    ]


def test_what_had_no_answer_is_looked_at_though_it_seems_in_step(memory: sa.Connection):
    for key in range(1, 9):
        desire(memory, key, key)
        if key != 1:
            map_(memory, key, key)
    doubt(memory, 1, 1)
    doubt(memory, 2, 2, status="failed")
    doubt(memory, 0x99, 9, old_key_id=hexed(3), in_doubt=False, old_in_doubt=True)
    doubt(memory, 4, 4, in_doubt=False)
    doubt(memory, 5, 5, status="sent")
    doubt(memory, 6, 6, target_id=OTHER)
    doubt(memory, 0x99, 9, old_key_id=hexed(7), in_doubt=False)
    doubt(memory, 8, 8, status="pending", body=None)
    assert told(memory) == [
        new(1, 1, in_doubt=True),
        *(both(key, key, Side(**side(key, key)), f"ods {key}", in_doubt=True) for key in (2, 3, 8)),
    ]


def test_what_nothing_desires_or_maps_is_told_by_the_last_post_that_had_no_answer(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(streams, "FETCH", 2)
    doubt(memory, 0x35, 1, "first")
    doubt(memory, 0x32, 2)
    doubt(memory, 0x35, 1, "last")
    doubt(memory, 0x35, 1, "without doubt", in_doubt=False)
    doubt(memory, 0x35, 1, "sent", status="sent")
    doubt(memory, 0x35, 1, "a delete", body=None)
    doubt(memory, 0x35, 1, "another's", target_id=OTHER)
    doubt(memory, 0x33, 3)
    doubt(memory, 0x34, 4, body=None)
    doubt(memory, 0x36, 5, target_id=OTHER)
    doubt(memory, 0x37, 6)
    map_(memory, 0x37, 6)
    became(memory, 3, "rejected", "x")
    became(memory, 2, "excluded", "no_show")
    became(memory, 1, "rejected", "another's", target_id=OTHER)
    assert told(memory) == [
        gone(0x37, 6, Cause.ENROLLMENT_DELETED),
        lost(0x32, 2),
        lost(0x35, 1, "last"),
        lost(0x33, 3, rejected_for="x"),
    ]


def test_the_keys_in_step_and_out_of_it_are_the_targets_own(
    memory: sa.Connection, in_step: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk, "CHUNK", 2)
    for key in (1, 2, 3, 4):
        desire(memory, key, key)
    map_(memory, 2, 9)
    map_(memory, 3, 3, "old")
    map_(memory, 5, 5)
    for key in (1, 3, 6):
        map_(memory, key, key, target_id=OTHER)
        if key == 6:
            desire(memory, key, key, target_id=OTHER)
    memory.commit()
    assert [key for page in differences.in_step(memory.engine, TARGET) for key in page] == [hexed(2), *in_step]
    asked = [hexed(key) for key in (1, 2, 3, 5, 6)]
    assert differences.out_of_step(memory, TARGET, [*asked, *in_step]) == 2
    assert differences.out_of_step(memory, TARGET, []) == 0
