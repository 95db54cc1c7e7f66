"""Records as read, what became of them, and what the ODS is known to hold: each statement finds its own rows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.associations.model import ExclusionRule
from edfi_cte.ledger import bulk, deletions, lasting, mappings, records, streams
from edfi_cte.ledger.lasting import Difference
from edfi_cte.ledger.records import Outcome, Rejection, Rival
from edfi_cte.ledger.schema import deletion, difference, enrollment_record, identity_mapping, record_outcome
from tests.ledger.rows import AT, OTHER, TARGET, add, add_each

OUTCOMES = ("desired", "excluded", "rejected", "superseded")


def ids(connection: sa.Connection, table: sa.Table) -> list[tuple[str, int]]:
    statement = sa.select(table.c.target_id, table.c.enrollment_id).order_by(table.c.target_id, table.c.enrollment_id)
    return [(row[0], row[1]) for row in connection.execute(statement)]


def test_a_record_is_read_back_as_it_was_written_and_takes_the_place_of_the_old(memory: sa.Connection):
    add_each(memory, enrollment_record, {"enrollment_id": 1}, [{"enrollment_id": 2}, {"target_id": OTHER}])
    add_each(memory, record_outcome, {"enrollment_id": 1}, [{"enrollment_id": 2}, {"target_id": OTHER}])
    base = memory.execute(sa.select(enrollment_record)).first()
    assert base is not None
    plain = records.as_record(base)
    assert plain.excluded_by is None
    values = {name: getattr(plain, name) for name in plain.__dataclass_fields__}
    changed = type(plain)(**(values | {"excluded_by": ExclusionRule.NO_OVERLAP, "start_date": date(2026, 1, 2)}))
    records.write_source(memory, TARGET, [(changed, "hash")], [1])
    row = memory.execute(sa.select(enrollment_record).where(enrollment_record.c.source_hash == "hash")).one()
    assert row.target_id == TARGET
    again = records.as_record(row)
    assert again == changed
    assert isinstance(again.excluded_by, ExclusionRule)
    assert ids(memory, enrollment_record) == [(TARGET, 1), (TARGET, 2), (OTHER, 1)]
    assert ids(memory, record_outcome) == [(TARGET, 2), (OTHER, 1)], "what becomes of it is open"
    records.remove(memory, TARGET, [2])
    assert ids(memory, enrollment_record) == [(TARGET, 1), (OTHER, 1)]
    assert ids(memory, record_outcome) == [(OTHER, 1)]
    memory.commit()
    assert [list(page) for page in records.hashes(memory.engine, TARGET)] == [[(1, "hash")]]
    assert records.any_record(memory, TARGET)
    assert not records.any_record(memory, "x")


def test_a_records_outcome_is_written_blank_where_nothing_is_given(memory: sa.Connection):
    base: dict[str, Any] = {"enrollment_id": 1, "outcome": "desired", "transformed_with": "t"}
    add_each(memory, record_outcome, base | {"detail": "old"}, [{"enrollment_id": 2}, {"target_id": OTHER}])
    records.write_outcomes(memory, TARGET, [base | {"outcome": "excluded"}, base | {"enrollment_id": 3}], [1])
    of_target = sa.select(record_outcome).where(record_outcome.c.target_id == TARGET)
    rows = memory.execute(of_target.order_by(record_outcome.c.enrollment_id)).all()
    assert [(row.enrollment_id, row.outcome, row.detail) for row in rows] == [
        (1, "excluded", None),
        (2, "desired", "old"),
        (3, "desired", None),
    ]
    blank = dict.fromkeys(record_outcome.columns.keys())
    assert dict(rows[2]._mapping) == blank | base | {"target_id": TARGET, "enrollment_id": 3}


def test_records_without_an_outcome_of_these_preferences_are_the_targets_own_and_come_together(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(streams, "PAGE", 2)
    own, others = (range(1, 5), {1: "new", 2: "old"}), (range(4, 9), {4: "new", 5: "old"})
    for target_id, (there, made) in ((TARGET, own), (OTHER, others)):
        for number in there:
            record = {"target_id": target_id, "enrollment_id": number, "source_hash": f"{target_id} {number}"}
            add(memory, enrollment_record, **record)
        for number, how in made.items():
            add(memory, record_outcome, target_id=target_id, enrollment_id=number, transformed_with=how)
    memory.commit()
    for fingerprint, open_, replaced in ((None, (3, 4), set()), ("new", (2, 3, 4), {2})):
        [(rows, with_outcome)] = records.untransformed(memory.engine, TARGET, fingerprint)
        assert [row.source_hash for row in rows] == [f"{TARGET} {number}" for number in open_]
        assert with_outcome == replaced


def test_a_rejection_keeps_its_date_by_record_reason_and_code(memory: sa.Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "now", lambda: AT)
    before = AT - timedelta(days=9)
    base: dict[str, Any] = {"enrollment_id": 1, "outcome": "rejected", "reason": "r", "detail": "d"}
    others = [{"enrollment_id": number} for number in (2, 3)]
    add_each(memory, record_outcome, base | {"since": before}, others)
    add(memory, record_outcome, **(base | {"enrollment_id": 4, "since": None}))
    add(memory, record_outcome, **(base | {"enrollment_id": 5, "since": before, "target_id": OTHER}))
    now = [{}, {"reason": "x"}, {"detail": "x"}, {}, {}, {"outcome": "desired"}]
    rows = [base | {"transformed_with": "t", "enrollment_id": n} | columns for n, columns in enumerate(now, 1)]
    records.write_outcomes(memory, TARGET, rows, [1, 2, 3, 4])
    statement = sa.select(record_outcome.c.since).where(record_outcome.c.target_id == TARGET)
    since = memory.scalars(statement.order_by(record_outcome.c.enrollment_id)).all()
    assert since == [before, AT, AT, AT, AT, None]


def test_rivals_are_the_desired_and_superseded_records_of_a_key_that_several_bear_or_bore(memory: sa.Connection):
    rows = [
        (1, "a", "desired"),
        (3, "a", "desired"),
        (2, "a", "rejected"),
        (4, "b", "desired"),
        (6, "c", "desired"),
        (5, "c", "superseded"),
        (7, "d", "superseded"),
        (8, "e", "excluded"),
        (9, "e", "desired"),
        (10, "a", "desired"),
        (13, "f", "desired"),
        (14, "f", "desired"),
    ]
    for number, key, outcome in rows:
        add(memory, record_outcome, enrollment_id=number, key_id=key, outcome=outcome)
        if number != 10:
            add(memory, enrollment_record, enrollment_id=number, service_type=f"t{number}")
    for number, key in ((4, "b"), (11, "b"), (12, "a"), (9, "e")):
        add(memory, record_outcome, enrollment_id=number, key_id=key, outcome="desired", target_id=OTHER)
        add(memory, enrollment_record, enrollment_id=number, target_id=OTHER)
    add(memory, record_outcome, enrollment_id=15, key_id="b", outcome="superseded", target_id=OTHER)
    assert records.contested(memory, TARGET) == [
        Rival("a", 1, "t1", "desired"),
        Rival("a", 3, "t3", "desired"),
        Rival("c", 5, "t5", "superseded"),
        Rival("c", 6, "t6", "desired"),
        Rival("d", 7, "t7", "superseded"),
        Rival("f", 13, "t13", "desired"),
        Rival("f", 14, "t14", "desired"),
    ]
    records.set_outcome(memory, TARGET, Outcome.DESIRED, [5, 7])
    records.set_outcome(memory, OTHER, Outcome.SUPERSEDED, [4])
    statement = sa.select(record_outcome.c.target_id, record_outcome.c.enrollment_id)
    lost = memory.execute(statement.where(record_outcome.c.outcome == "superseded")).all()
    assert lost == [(OTHER, 4), (OTHER, 15)]


def test_outcomes_are_counted_by_reason_where_they_have_one(memory: sa.Connection):
    base: dict[str, Any] = {"enrollment_id": 1, "outcome": "desired", "reason": "no part of it"}
    others = [
        {"enrollment_id": 2, "reason": None},
        *({"enrollment_id": n, "outcome": outcome} for n, outcome in enumerate((*OUTCOMES[1:], *OUTCOMES[1:]), 3)),
        {"enrollment_id": 9, "outcome": "rejected", "reason": "b"},
        {"enrollment_id": 10, "target_id": OTHER},
        {"enrollment_id": 11, "target_id": OTHER, "outcome": "rejected"},
    ]
    add_each(memory, record_outcome, base, others)
    assert records.outcome_counts(memory, TARGET) == {
        ("desired", None): 2,
        ("superseded", None): 2,
        ("excluded", "no part of it"): 2,
        ("rejected", "no part of it"): 2,
        ("rejected", "b"): 1,
    }


def test_keys_are_desired_by_the_records_of_that_outcome(memory: sa.Connection):
    base: dict[str, Any] = {"enrollment_id": 1, "outcome": "desired", "key_id": "a"}
    others = [
        {"enrollment_id": 2, "key_id": "b"},
        {"enrollment_id": 3, "key_id": "not asked"},
        *({"enrollment_id": n, "outcome": outcome, "key_id": outcome} for n, outcome in enumerate(OUTCOMES[1:], 4)),
        {"key_id": "another's", "target_id": OTHER},
    ]
    add_each(memory, record_outcome, base, others)
    asked = ["a", "b", "another's", *OUTCOMES]
    assert records.desired_keys(memory, TARGET, asked) == {"a", "b"}
    assert sorted(row.enrollment_id for row in records.desired(memory, TARGET, asked)) == [1, 2]


def test_the_rejected_are_told_with_their_student_date_type_and_reason(memory: sa.Connection):
    for number, outcome in ((1, "rejected"), (2, "desired"), (3, "rejected"), (4, "rejected")):
        add(memory, record_outcome, enrollment_id=number, outcome=outcome, reason=f"r{number}")
    for number in (1, 2, 3):
        add(
            memory, enrollment_record, enrollment_id=number, student_unique_id=f"s{number}",
            start_date=date(2026, 1, number), cte_program_type="01",
        )  # fmt: skip
    add(memory, record_outcome, enrollment_id=2, outcome="rejected", reason="x", target_id=OTHER)
    add(memory, enrollment_record, enrollment_id=4, target_id=OTHER)
    assert records.rejected(memory, TARGET) == [
        Rejection("s1", date(2026, 1, 1), "01", "r1"),
        Rejection("s3", date(2026, 1, 3), "01", "r3"),
    ]


def test_mappings_are_found_by_key_and_by_ods_id_and_changed_alone(memory: sa.Connection):
    base: dict[str, Any] = {
        "key_id": "a",
        "ods_id": "1",
        "enrollment_id": 1,
        "payload_hash": "p",
        "content_hash": "c",
    }
    others = [{"key_id": "b", "ods_id": "2"}, {"key_id": "c", "ods_id": "3"}, {"target_id": OTHER, "ods_id": "4"}]
    others.append({"target_id": OTHER, "key_id": "theirs", "ods_id": "6"})
    add_each(memory, identity_mapping, base, others)
    assert mappings.count(memory, TARGET) == 3
    assert mappings.ods_ids(memory, TARGET, ["a", "b", "x"]) == {"a": "1", "b": "2"}
    found = mappings.by_ods_id(memory, TARGET, ["1", "4", "x"])
    assert found == {"1": (TARGET, "a", "1", "p", "c")}
    mappings.relocate(memory, TARGET, "a", "5")
    mappings.made_with(memory, TARGET, ["b", "theirs"], "new")
    mappings.attribute(memory, TARGET, {"b": 7, "x": 8, "theirs": 9})
    mappings.remove(memory, TARGET, ["c"])
    table = identity_mapping.c
    columns = (table.target_id, table.key_id, table.ods_id, table.transformed_with, table.enrollment_id)
    rows = memory.execute(sa.select(*columns).order_by(table.target_id, table.key_id)).all()
    assert rows == [
        (TARGET, "a", "5", "-", 1),
        (TARGET, "b", "2", "new", 7),
        (OTHER, "a", "4", "-", 1),
        (OTHER, "theirs", "6", "-", 1),
    ]
    row = dict(memory.execute(sa.select(identity_mapping)).first()._mapping)  # type: ignore[union-attr]
    mappings.save(memory, TARGET, [row | {"ods_id": "8"}, row | {"ods_id": "9", "target_id": "whatever it says"}])
    assert mappings.ods_ids(memory, TARGET, ["a", "b"]) == {"a": "9", "b": "2"}
    memory.commit()
    assert [list(page) for page in mappings.sent(memory.engine, TARGET)] == [[("a", "9", "p"), ("b", "2", "p")]]
    assert [list(page) for page in mappings.pages(memory.engine, TARGET)] == [[("a", "9", 1), ("b", "2", 7)]]


def test_deletions_count_since_a_moment_without_a_persons_word(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk, "now", lambda: AT)
    row = {"run_id": "r", "key_id": "k", "ods_id": "1", "enrollment_id": 1, "cause": "c", "list_id": None}
    deletions.record(memory, TARGET, [row, row | {"ods_id": "2", "list_id": "list"}])
    deletions.record(memory, OTHER, [row | {"ods_id": "3"}])
    add(memory, deletion, deleted_at=AT - timedelta(microseconds=1), ods_id="4")
    stored = memory.execute(sa.select(deletion)).first()
    assert stored is not None
    assert dict(stored._mapping) == row | {"deletion_id": 1, "target_id": TARGET, "deleted_at": AT}
    assert deletions.since(memory, TARGET, AT) == 1
    assert deletions.since(memory, TARGET, AT - timedelta(days=1)) == 2
    assert deletions.gone(memory, TARGET, AT, ["1", "2", "3", "4"]) == {"1", "2"}
    assert deletions.gone(memory, TARGET, AT, ["2"]) == {"2"}
    deletions.prune(memory, TARGET, AT)
    assert sorted(memory.scalars(sa.select(deletion.c.ods_id))) == ["1", "2", "3"]
    deletions.prune(memory, TARGET, AT + timedelta(days=1))
    assert memory.scalars(sa.select(deletion.c.ods_id)).all() == ["3"]


def test_what_differs_lastingly_is_known_by_key_and_counted_by_property(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk, "now", lambda: AT)
    lasting.save(memory, TARGET, {"a": {"y": "1", "x": "2"}, "b": {"x": "3"}}, remembered=True)
    lasting.save(memory, TARGET, {"c": {"x": "4"}, "d": {}}, remembered=False)
    lasting.save(memory, OTHER, {"a": {"z": "5"}}, remembered=True)
    known = {"a": Difference({"x": "2", "y": "1"}, True), "b": Difference({"x": "3"}, True)}
    assert lasting.of_target(memory, TARGET) == known | {
        "c": Difference({"x": "4"}, False),
        "d": Difference({}, False),
    }
    assert lasting.by_property(memory, TARGET) == {"x": 2, "y": 1}
    row = memory.execute(sa.select(difference).where(difference.c.key_id == "a")).first()
    assert row is not None
    assert (row.properties, row.since, row.seen_at) == ('{"x": "2", "y": "1"}', AT, AT)
    lasting.forget(memory, TARGET, ["b", "c"])
    assert lasting.of_target(memory, TARGET).keys() == {"a", "d"}
    lasting.forget_all(memory, TARGET)
    assert lasting.of_target(memory, TARGET) == {}
    assert lasting.of_target(memory, OTHER).keys() == {"a"}
