"""What an answer leaves of the mapping, of what is kept and in doubt: of its own key, and of no other's."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import bulk, settling
from edfi_cte.ledger.events import Failure, Result
from edfi_cte.ledger.schema import deletion, event, identity_mapping, kept_record
from tests.ledger.rows import AT, OTHER, TARGET, add, add_each

REFUSED = Failure("reference", "-", "-", http_status=409)


def an_event(connection: sa.Connection, **columns: Any) -> sa.Row[Any]:
    words = ("student_unique_id", "begin_date", "cte_program_type", "career_cluster", "key_exact", "payload_hash")
    given = {name: name for name in (*words, "content_hash", "transformed_with", "list_id")}
    base = {"key_id": "new", "enrollment_id": 7, "ods_id": "id", "run_id": "run", "cause": "c", "action": "Put"}
    add(connection, event, **(given | base | columns))
    return connection.execute(sa.select(event).order_by(event.c.event_id.desc())).first()  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "now", lambda: AT)


def mapped(connection: sa.Connection) -> dict[str, str]:
    rows = connection.execute(sa.select(identity_mapping).where(identity_mapping.c.target_id == TARGET))
    return {row.key_id: row.ods_id for row in rows}


def test_a_success_maps_the_key_to_what_was_sent(memory: sa.Connection):
    row = an_event(memory)
    settling.settle(memory, TARGET, [Result(row, 200, ods_id="9")])
    [mapping] = memory.execute(sa.select(identity_mapping)).all()
    sent = {name: name for name in ("student_unique_id", "begin_date", "cte_program_type", "career_cluster")}
    sent |= {name: name for name in ("key_exact", "payload_hash", "content_hash", "transformed_with")}
    assert dict(mapping._mapping) == sent | {
        "target_id": TARGET,
        "key_id": "new",
        "ods_id": "9",
        "enrollment_id": 7,
        "sent_at": AT,
    }
    answered = memory.execute(sa.select(event)).one()
    assert (answered.status, answered.http_status, answered.answered_at) == ("sent", 200, AT)


@pytest.mark.parametrize(
    ("old_key", "said", "left", "deleted"),
    [
        ("old", {"deleted": True}, {"new": "1"}, ["old"]),
        (None, {"deleted": True}, {"old": "2"}, ["new"]),
        ("old", {"moved": True, "ods_id": "9"}, {"new": "9"}, []),
        ("old", {"deleted": True, "ods_id": "9"}, {"new": "9"}, ["old"]),
        ("old", {"failure": REFUSED}, {"new": "1", "old": "2"}, []),
        ("old", {"failure": REFUSED, "deleted": True}, {"new": "1"}, ["old"]),
        ("old", {"failure": REFUSED, "restored_id": "9"}, {"new": "9", "old": "2"}, []),
    ],
)
def test_only_a_delete_or_a_move_takes_a_mapping_away_and_with_it_what_is_kept(
    memory: sa.Connection, old_key: str | None, said: dict[str, Any], left: dict[str, str], deleted: list[str]
):
    for key, ods_id in (("new", "1"), ("old", "2")):
        add_each(memory, identity_mapping, {"key_id": key, "ods_id": ods_id}, [{"target_id": OTHER}])
        add_each(memory, kept_record, {"key_id": key}, [{"target_id": OTHER}])
    row = an_event(memory, old_key_id=old_key)
    settling.settle(memory, TARGET, [Result(row, **said)])
    assert mapped(memory) == left
    kept = set(memory.scalars(sa.select(kept_record.c.key_id).where(kept_record.c.target_id == TARGET)))
    gone = {old_key or "new"} if said.get("deleted") or said.get("moved") else set()
    assert kept == {"new", "old"} - gone
    rows = memory.execute(sa.select(deletion)).all()
    assert [row.key_id for row in rows] == deleted
    for one in rows:
        told = (one.target_id, one.deleted_at, one.run_id, one.ods_id, one.enrollment_id, one.cause, one.list_id)
        assert told == (TARGET, AT, "run", "id", 7, "c", "list_id")


@pytest.mark.parametrize("old_key", [None, "old"])
@pytest.mark.parametrize(
    ("action", "failure", "status"),
    [("Delete", None, "out_of_reach"), ("Delete/Post", None, "sent"), ("Delete/Post", REFUSED, "failed")],
)
def test_a_delete_that_the_ods_refuses_the_key_is_kept_as_out_of_reach(
    memory: sa.Connection, old_key: str | None, action: str, failure: Failure | None, status: str
):
    row = an_event(memory, action=action, old_key_id=old_key, in_doubt=True)
    settling.settle(memory, TARGET, [Result(row, 403, out_of_reach=True, failure=failure)])
    [kept] = memory.execute(sa.select(kept_record)).all()
    assert (kept.key_id, kept.state, kept.action, kept.cause, kept.reason) == (
        old_key or "new",
        *("out_of_reach", "Delete", "c", "c"),
    )
    assert (kept.enrollment_id, kept.ods_id, kept.run_id, kept.found_by) == (7, "id", "run", "plan")
    assert (kept.refused_at, kept.seen_at, kept.since) == (AT, AT, AT)
    answered = memory.execute(sa.select(event)).one()
    assert (answered.status, answered.in_doubt) == (status, status != "sent")


LEFT = ("failed", "superseded", "out_of_reach")


def doubts(connection: sa.Connection) -> list[tuple[bool, bool]]:
    columns = (event.c.in_doubt, event.c.old_in_doubt)
    return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(event.c.event_id))]


@pytest.mark.parametrize(
    ("old_key", "said", "settled"),
    [
        ("old", {"ods_id": "9"}, {"new"}),
        ("old", {"restored_id": "9"}, {"new"}),
        ("old", {"deleted": True}, {"old"}),
        ("old", {"moved": True}, {"old"}),
        (None, {"deleted": True}, {"new"}),
        ("old", {"ods_id": "9", "deleted": True}, {"new", "old"}),
        ("old", {"failure": REFUSED}, set()),
    ],
)
def test_a_definite_answer_settles_the_doubt_on_its_key_alone(
    memory: sa.Connection, old_key: str | None, said: dict[str, Any], settled: set[str]
):
    others: list[dict[str, Any]] = [
        *(
            {"key_id": key, "old_key_id": other, "status": s}
            for s in LEFT
            for key, other in (("new", "x"), ("x", "new"))
        ),
        *({"key_id": key, "old_key_id": other} for key, other in (("old", "x"), ("x", "old"), ("old", "new"))),
    ]
    base: dict[str, Any] = {
        "key_id": "x",
        "old_key_id": "y",
        "in_doubt": True,
        "old_in_doubt": True,
        "status": "failed",
    }
    unmoved = [{"key_id": "new", "old_key_id": "old", **c} for c in ({"status": "sending"}, {"target_id": OTHER})]
    add_each(memory, event, base, [*others, *unmoved])
    row = an_event(memory, old_key_id=old_key, event_id=99)
    settling.clear_doubt(memory, TARGET, [Result(row, **said)])
    expected = [(one["key_id"] not in settled, one["old_key_id"] not in settled) for one in (base, *others)]
    assert doubts(memory) == [*expected, (True, True), (True, True), (False, False)]


@pytest.mark.parametrize("column", ["in_doubt", "old_in_doubt"])
@pytest.mark.parametrize(
    ("columns", "any_"),
    [*(({"status": status}, True) for status in LEFT), ({"status": "sending"}, False), ({"target_id": OTHER}, False)],
)
def test_a_doubt_is_known_of_what_earlier_plans_have_left(
    memory: sa.Connection, column: str, columns: dict[str, Any], any_: bool
):
    base = {"status": "failed"} | columns
    add(memory, event, **base)
    assert not settling.any_doubt(memory, TARGET)
    add(memory, event, **(base | {column: True, "run_id": "run"}))
    assert settling.any_doubt(memory, TARGET) is any_
    settling.settle_by_reading(memory, TARGET, "run")
    assert any(doubts(memory)[1]), "what this run has left stays in doubt"
    settling.settle_by_reading(memory, TARGET, "later")
    assert any(doubts(memory)[1]) is not any_
    memory.execute(sa.update(event).values({column: True}))
    settling.forget_doubt(memory, OTHER if "target_id" in columns else TARGET)
    assert doubts(memory) == [(False, False)] * 2
