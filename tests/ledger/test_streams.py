"""No statement of the plan joins, so that no planner can spoil it; and pages of any size give the same."""

import datetime
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from edfi_cte.associations.model import digest
from edfi_cte.ledger import bulk, differences, records, streams
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.schema import enrollment_record, identity_mapping, metadata, record_outcome

TARGET = "039141-2026"


@pytest.fixture(scope="module")
def small_pages() -> Iterator[sa.Engine]:
    """A ledger that is read two rows at a time."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    metadata.create_all(engine)
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((streams, "PAGE"), (streams, "FETCH"), (bulk, "CHUNK"), (records, "PAGE")):
            patch.setattr(module, name, 2)
        yield engine
    engine.dispose()


def desired(number: int, key: str, payload: str = "-", target_id: str = TARGET) -> dict[str, Any]:
    return {
        "target_id": target_id,
        "enrollment_id": number,
        "outcome": "desired",
        "transformed_with": "-",
        "key_id": digest(key),
        "key_exact": digest(key),
        "payload_hash": digest(payload),
        "content_hash": digest(payload),
        "student_unique_id": "1",
        "begin_date": "2025-08-20",
        "cte_program_type": "-",
        "career_cluster": "-",
        "program_name": "-",
        "body": "{}",
    }


def mapped(number: int, key: str, payload: str = "-", target_id: str = TARGET) -> dict[str, Any]:
    row = desired(number, key, payload, target_id)
    for name in ("outcome", "program_name", "body"):
        del row[name]
    return row | {"ods_id": digest(f"{target_id} {key}"), "sent_at": datetime.datetime(2025, 9, 1)}  # noqa: DTZ001


def source(number: int, target_id: str = TARGET) -> dict[str, Any]:
    return {"target_id": target_id, "enrollment_id": number, "source_hash": "-"}


def fill(ledger: sa.Engine, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.delete(table))
        if rows:
            connection.execute(sa.insert(table), rows)


letters = st.dictionaries(st.sampled_from("abcdefghij"), st.tuples(st.integers(1, 9), st.sampled_from("xy")))


@settings(max_examples=150, deadline=None)
@given(wanted=letters, known=letters)
def test_what_differs_is_found_whatever_the_size_of_a_page(
    small_pages: sa.Engine, wanted: dict[str, tuple[int, str]], known: dict[str, tuple[int, str]]
):
    wanted = {key: value for value, key in {value: key for key, value in wanted.items()}.items()}
    wanted = {key: (number, key_of) for number, (key, key_of) in enumerate((k, v[1]) for k, v in wanted.items())}
    fill(small_pages, record_outcome, [desired(n, key, payload) for key, (n, payload) in wanted.items()])
    fill(small_pages, identity_mapping, [mapped(n, key, payload) for key, (n, payload) in known.items()])
    found = list(differences.differences(small_pages, TARGET))
    pairs = [(f.difference.desired, f.difference.mapped) for f in found]
    named = {digest(letter): letter for letter in "abcdefghij"}
    new = {named[d.key_id] for d, m in pairs if d and (m is None or m.key_id != d.key_id)}
    changed = {named[d.key_id] for d, m in pairs if d and m and m.key_id == d.key_id}
    gone = [named[m.key_id] for d, m in pairs if m and (d is None or m.key_id != d.key_id)]
    assert new == wanted.keys() - known.keys()
    assert sorted(gone) == sorted(known.keys() - wanted.keys())
    assert changed == {key for key in wanted.keys() & known.keys() if wanted[key] != known[key]}
    for d, m in pairs:
        if d and m and d.key_id != m.key_id:
            assert d.enrollment_id == m.enrollment_id
    moved = {d.enrollment_id for d, m in pairs if d and m and d.key_id != m.key_id}
    left = {known[key][0] for key in known.keys() - wanted.keys()}
    assert moved == {wanted[key][0] for key in wanted.keys() - known.keys()} & left
    same = [key for page in differences.in_step(small_pages, TARGET) for key in page]
    assert sorted(named[key] for key in same) == sorted(
        key for key in wanted.keys() & known.keys() if wanted[key][1] == known[key][1]
    )


@settings(max_examples=60, deadline=None)
@given(there=st.sets(st.integers(-3, 9)), made=st.dictionaries(st.integers(-3, 9), st.sampled_from(["new", "old"])))
def test_records_without_an_outcome_of_these_preferences_are_found(
    small_pages: sa.Engine, there: set[int], made: dict[int, str]
):
    fill(small_pages, enrollment_record, [source(number) for number in there])
    outcomes = [desired(number, str(number)) | {"transformed_with": digest(how)} for number, how in made.items()]
    fill(small_pages, record_outcome, outcomes)
    for fingerprint, open_ in (
        (None, there - made.keys()),
        (digest("new"), {number for number in there if made.get(number) != "new"}),
    ):
        pages = list(records.untransformed(small_pages, TARGET, fingerprint))
        assert [row.enrollment_id for rows, _ in pages for row in rows] == sorted(open_)
        assert all(len(rows) <= 2 for rows, _ in pages)
        assert {number for _, replaced in pages for number in replaced} == open_ & made.keys()


OLD, NEW = 6000, 300
"""Records of a target that the ledger has long had, and of a new one."""


@pytest.fixture(params=["never analyzed", "analyzed while empty", "analyzed"])
def planned_badly(request: pytest.FixtureRequest, postgres_database: str) -> Iterator[sa.Engine]:
    """A PostgreSQL ledger of two targets, and what its planner knows of them; a third of the keys differ."""
    ledger = open_ledger(postgres_database)
    tables = (enrollment_record, record_outcome, identity_mapping)
    with ledger.begin() as connection:
        for table in tables:
            connection.execute(sa.text(f"ALTER TABLE {table.name} SET (autovacuum_enabled = off)"))
            if request.param == "analyzed while empty":
                connection.execute(sa.text(f"ANALYZE {table.name}"))
        for target_id, number in (("000001-2026", OLD), (TARGET, NEW)):
            names = [(n, f"{target_id} {n}") for n in range(number)]
            bulk.insert(connection, enrollment_record, [source(n, target_id) for n, _ in names])
            bulk.insert(connection, record_outcome, [desired(n, key, target_id=target_id) for n, key in names])
            left = [(n, f"left {key}" if n % 3 == 0 else key) for n, key in names]
            bulk.insert(connection, identity_mapping, [mapped(n, key, target_id=target_id) for n, key in left])
        if request.param == "analyzed":
            for table in tables:
                connection.execute(sa.text(f"ANALYZE {table.name}"))
    yield ledger
    ledger.dispose()


@pytest.mark.parametrize(("target_id", "records_"), [(TARGET, NEW), ("000001-2026", OLD)])
def test_a_plan_reads_each_row_a_few_times_whatever_the_planner_knows(
    planned_badly: sa.Engine, target_id: str, records_: int, monkeypatch: pytest.MonkeyPatch
):
    """Counted by the server: index entries and rows. Joined, the plan of a new target read them by the million."""
    monkeypatch.setattr(streams, "PAGE", 500)
    monkeypatch.setattr(streams, "FETCH", 100)
    before = _rows_read(planned_badly)
    found = list(differences.differences(planned_badly, target_id))
    assert [f.difference.mapped is not None for f in found] == [True] * (records_ // 3)
    assert list(records.untransformed(planned_badly, target_id, None)) == []
    assert sum(map(len, differences.in_step(planned_badly, target_id))) == records_ - records_ // 3
    assert _rows_read(planned_badly) - before < 15 * records_


def _rows_read(ledger: sa.Engine) -> int:
    """Index entries and rows that this session, the pool's only one, has read of the ledger's tables."""
    with ledger.connect() as connection:
        connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
    tables = "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_user_tables WHERE relname LIKE 'edfi_cte_%'"
    indexes = "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname LIKE 'edfi_cte_%'"
    with ledger.connect() as connection:
        return sum(int(connection.execute(sa.text(statement)).scalar_one()) for statement in (tables, indexes))


def test_no_statement_of_a_plan_joins(small_pages: sa.Engine):
    seen: list[str] = []
    sa.event.listen(small_pages, "before_cursor_execute", lambda *said: seen.append(said[2]))
    fill(small_pages, enrollment_record, [source(number) for number in range(5)])
    fill(small_pages, record_outcome, [desired(n, str(n)) for n in range(5)])
    fill(small_pages, identity_mapping, [mapped(n, str(n + 1)) for n in range(5)])
    list(differences.differences(small_pages, TARGET))
    list(records.untransformed(small_pages, TARGET, "other"))
    with small_pages.connect() as connection:
        records.contested(connection, TARGET)
    # SQLite takes a list as one parameter.
    plain = [re.sub(r"\(SELECT \S+ \nFROM json_each\(\?\) AS \w+\)", "(?)", text) for text in seen]
    joining = [text for text in plain if re.search(r"\bJOIN\b|\bEXISTS\b|FROM [^(]*,|\bIN \(SELECT", text)]
    assert len(seen) > 10
    assert joining == []
