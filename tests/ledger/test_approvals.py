"""A list is what a person may say yes to: the deletes of one target in one state, as they are now."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import approvals, bulk, kept
from edfi_cte.ledger.schema import approval, delete_list, delete_list_item, kept_record
from tests.ledger.rows import AT, OTHER, TARGET, add, add_each


def keep(connection: sa.Connection, key_id: str, state: str = "waiting", **columns: str) -> None:
    add(connection, kept_record, key_id=key_id, state=state, action="Delete", **({"cause": "no_show"} | columns))


def test_a_list_holds_the_targets_deletes_of_its_state_with_action_and_cause(memory: sa.Connection):
    keep(memory, "b")
    keep(memory, "a", cause="no_source")
    keep(memory, "c", state="held")
    keep(memory, "d", target_id=OTHER)
    made = approvals.make(memory, TARGET, "run", "waiting")
    assert made is not None
    assert (made.state, made.records, made.run_id) == ("waiting", 2, "run")
    assert approvals.deletes_on(memory, TARGET, made.list_id) == {
        "a": ("Delete", "no_source"),
        "b": ("Delete", "no_show"),
    }
    assert approvals.deletes_on(memory, OTHER, made.list_id) == {}
    assert approvals.get(memory, TARGET, made.list_id) == made
    assert approvals.get(memory, TARGET, "another") is None
    assert approvals.get(memory, OTHER, made.list_id) is None
    assert approvals.target_of(made.list_id) == TARGET


def test_a_state_without_a_record_has_no_list(memory: sa.Connection):
    keep(memory, "a", state="held")
    assert approvals.make(memory, TARGET, "run", "waiting") is None
    assert memory.execute(sa.select(delete_list)).all() == []


def test_a_list_that_is_seen_again_is_the_same_seen_later(memory: sa.Connection, monkeypatch: pytest.MonkeyPatch):
    keep(memory, "a")
    keep(memory, "b", state="held")
    monkeypatch.setattr(bulk, "now", lambda: AT)
    first = approvals.make(memory, TARGET, "first", "waiting")
    held = approvals.make(memory, TARGET, "first", "held")
    monkeypatch.setattr(bulk, "now", lambda: AT + timedelta(1))
    again = approvals.make(memory, TARGET, "second", "waiting")
    assert first is not None
    assert again == first._replace(seen_at=AT + timedelta(1), run_id="second")
    assert approvals.get(memory, TARGET, first.list_id) == again
    assert held is not None
    assert approvals.get(memory, TARGET, held.list_id) == held
    assert memory.scalars(sa.select(delete_list.c.made_at)).all() == [AT, AT]
    assert approvals.deletes_on(memory, TARGET, first.list_id).keys() == {"a"}
    assert approvals.deletes_on(memory, TARGET, held.list_id).keys() == {"b"}


@pytest.mark.parametrize("change", ["another record", "another cause", "another state"])
def test_a_list_of_something_else_is_another(memory: sa.Connection, change: str):
    keep(memory, "a")
    first = approvals.make(memory, TARGET, "run", "waiting")
    if change == "another record":
        keep(memory, "b")
    elif change == "another cause":
        memory.execute(sa.update(kept_record).values(cause="no_source"))
    else:
        memory.execute(sa.update(kept_record).values(state="held"))
    second = approvals.make(memory, TARGET, "run", "held" if change == "another state" else "waiting")
    assert first is not None
    assert second is not None
    assert first.list_id != second.list_id


def test_the_newest_list_of_each_state_may_be_approved_while_a_record_is_in_it(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    made = {}
    for day, (key, state) in enumerate([("a", "waiting"), ("b", "waiting"), ("c", "held"), ("d", "out_of_reach")]):
        monkeypatch.setattr(bulk, "now", lambda day=day: AT + timedelta(day))
        keep(memory, key, state=state)
        made[key] = approvals.make(memory, TARGET, "run", state)
    kept.drop(memory, TARGET, ["c"])
    keep(memory, "c", state="held", target_id=OTHER)
    assert approvals.newest(memory, TARGET) == [made["b"], made["d"]]
    assert approvals.newest(memory, OTHER) == []


def test_a_yes_is_kept_once_for_each_list_and_run_and_shown_newest_first(memory: sa.Connection):
    for list_id, run_id, who in [("x", "one", "ada"), ("x", "one", "bob"), ("y", "one", "ada"), ("x", "two", None)]:
        approvals.approve(memory, TARGET, list_id, run_id, who)
    approvals.approve(memory, OTHER, "x", "one", "eve")
    said = [(row.list_id, row.run_id, row.approved_by) for row in approvals.approvals(memory, TARGET)]
    assert said == [("x", "two", None), ("y", "one", "ada"), ("x", "one", "ada")]
    assert len(memory.execute(sa.select(approval)).all()) == 4


def test_lists_that_no_run_has_seen_since_go_with_what_is_on_them(memory: sa.Connection):
    base = {"list_id": "old", "seen_at": AT - timedelta(microseconds=1)}
    others = [{"list_id": "just", "seen_at": AT}, {"list_id": "new", "seen_at": AT + timedelta(1)}]
    # A list of another target's bears another id in truth: here only the target tells them apart.
    add_each(memory, delete_list, base, [*others, {"list_id": "new", "target_id": OTHER}])
    for list_id in ("old", "just", "new"):
        add(memory, delete_list_item, list_id=list_id, key_id="k")
    add(memory, delete_list_item, list_id="new", key_id="k", target_id=OTHER)
    approvals.approve(memory, TARGET, "old", "run", "ada")
    approvals.prune(memory, TARGET, AT)
    for table in (delete_list, delete_list_item):
        left = memory.execute(sa.select(table.c.target_id, table.c.list_id).order_by(table.c.target_id)).all()
        assert sorted(left) == [(TARGET, "just"), (TARGET, "new"), (OTHER, "new")]
    assert len(approvals.approvals(memory, TARGET)) == 1


@pytest.mark.parametrize("text", ["a b", "a,b", " a;\n b, ", "a , b"])
def test_lists_are_named_with_anything_between_them(text: str):
    assert approvals.listed(text) == ["a", "b"]
    assert approvals.listed(None) == []


@pytest.mark.parametrize(("who", "stored"), [("u" * 600, "u" * 250), ("ada", "ada"), ("", None), (None, None)])
def test_a_persons_name_is_cut_to_what_the_ledger_holds(memory: sa.Connection, who: str | None, stored: str | None):
    approvals.approve(memory, TARGET, "list", "run", who)
    assert memory.scalars(sa.select(approval.c.approved_by)).all() == [stored]
