"""What the ledger knows of one record, one ODS id or one key, whoever asks; and the lists as lines."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import columns as lines
from edfi_cte.ledger import history
from edfi_cte.ledger.schema import attempt, enrollment_record, event, identity_mapping, record_outcome
from tests.ledger.rows import AT, OTHER, TARGET, add, add_each


def test_a_record_is_found_with_and_without_an_outcome(memory: sa.Connection):
    add_each(memory, enrollment_record, {"enrollment_id": 1}, [{"enrollment_id": 2}, {"target_id": OTHER}])
    add(memory, enrollment_record, enrollment_id=3, target_id=OTHER)
    add(memory, record_outcome, enrollment_id=1, outcome="desired")
    add(memory, record_outcome, enrollment_id=2, outcome="rejected", target_id=OTHER)
    found = [history.record(memory, TARGET, number) for number in (1, 2, 3)]
    assert [row and row.outcome for row in found] == ["desired", None, None]
    assert found[1] is not None, "it was read and not transformed yet"
    assert found[2] is None
    source = history.source(memory, TARGET, 2)
    assert source is not None
    assert (source.target_id, source.enrollment_id) == (TARGET, 2)
    assert history.source(memory, TARGET, 3) is None


def test_an_enrollments_mappings_are_its_own_keys_first_then_what_it_left(memory: sa.Connection):
    base = {"enrollment_id": 1, "key_id": "a"}
    others = [
        {"key_id": "b"},
        {"key_id": "c", "enrollment_id": 2},
        {"key_id": "d", "target_id": OTHER},
        {"key_id": "e", "enrollment_id": 2, "target_id": OTHER},
    ]
    add_each(memory, identity_mapping, base, others)

    def keys(key_id: str | None) -> list[str]:
        return [row.key_id for row in history.mappings_of(memory, TARGET, 1, key_id)]

    assert keys("b") == ["b", "a"]
    assert keys("c") == ["c", "a", "b"], "another enrollment stands behind its key"
    assert keys(None) == ["a", "b"]
    assert keys("e") == ["a", "b"]


def test_the_last_sent_body_is_of_the_newest_event_that_sent_what_is_mapped(memory: sa.Connection):
    add(memory, identity_mapping, enrollment_id=1, key_id="k", payload_hash="p")
    mapped = memory.execute(sa.select(identity_mapping)).one()
    base = {"enrollment_id": 1, "key_id": "k", "payload_hash": "p", "status": "sent", "body": "first"}
    others: list[dict[str, Any]] = [
        {"body": "second"},
        *({name: value, "body": name} for name, value in {"key_id": "x", "payload_hash": "x"}.items()),
        {"enrollment_id": 2, "body": "another enrollment's"},
        {"status": "failed", "body": "refused"},
        {"target_id": OTHER, "body": "another target's"},
        {"body": None},
    ]
    assert history.last_sent_body(memory, TARGET, mapped) is None
    add_each(memory, event, base, others)
    assert history.last_sent_body(memory, TARGET, mapped) == "second"


def test_a_keys_enrollment_is_the_one_that_is_desired(memory: sa.Connection):
    base = {"enrollment_id": 5, "key_id": "k", "outcome": "desired"}
    others = [
        {"enrollment_id": 1, "outcome": "superseded"},
        {"enrollment_id": 2, "key_id": "x"},
        {"enrollment_id": 3, "target_id": OTHER},
        {"enrollment_id": 4, "key_id": "lost", "outcome": "superseded"},
        {"enrollment_id": 6, "key_id": "another's", "target_id": OTHER},
    ]
    add_each(memory, record_outcome, base, others)
    found = {key: history.desired_enrollment(memory, TARGET, key) for key in ("k", "lost", "another's", "y")}
    assert found == {"k": 5, "lost": None, "another's": None, "y": None}


@pytest.mark.parametrize("table", [enrollment_record, identity_mapping, event], ids=lambda table: str(table.name))
def test_an_enrollment_is_known_by_any_trace_of_it(memory: sa.Connection, table: sa.Table):
    add_each(memory, table, {"enrollment_id": 1}, [{"enrollment_id": 2, "target_id": OTHER}])
    assert [history.knows_enrollment(memory, TARGET, number) for number in (1, 2, 3)] == [True, False, False]


def test_the_enrollments_of_an_ods_id_are_those_behind_it_now_and_before(memory: sa.Connection):
    base = {"enrollment_id": 1, "ods_id": "id"}
    for table, number in ((identity_mapping, 2), (event, 3)):
        others = [
            {"enrollment_id": number, "key_id": "k"},
            {"enrollment_id": 10 + number, "key_id": "x", "ods_id": "x"},
            {"enrollment_id": 20 + number, "target_id": OTHER},
        ]
        add_each(memory, table, base, others)
    add(memory, event, ods_id="id")
    assert sorted(history.enrollments_of_ods_id(memory, TARGET, "id")) == [1, 2, 3]


def test_the_events_of_enrollments_or_an_ods_id_come_oldest_first_each_with_its_tries(memory: sa.Connection):
    base: dict[str, Any] = {"event_id": 5, "enrollment_id": 1}
    others = [
        {"event_id": 4, "enrollment_id": 2},
        {"event_id": 3, "enrollment_id": None, "ods_id": "id"},
        {"event_id": 2, "enrollment_id": 3},
        {"event_id": 1, "target_id": OTHER, "ods_id": "id"},
    ]
    add_each(memory, event, base, others)
    for number, event_id in ((9, 5), (8, 5), (7, 4), (6, 2)):
        add(memory, attempt, attempt_id=number, event_id=event_id)
    told = history.events(memory, TARGET, [1, 2], "id")
    assert [(row.event_id, [one.attempt_id for one in tries]) for row, tries in told] == [
        (3, []),
        (4, [7]),
        (5, [8, 9]),
    ]


def row(**columns: Any) -> Any:
    names = {name.replace(" ", "_") for name in (*lines.RECORD_COLUMNS, *lines.EVENT_COLUMNS, *lines.KEPT_COLUMNS)}
    more = (
        "enrollment_id",
        "detail",
        "school_number",
        "school_name",
        "calendar_name",
        "cte_program_type",
        "event_id",
    )
    times = ("queued_at", "answered_at", "since", "seen_at", "run_id")
    return SimpleNamespace(**(dict.fromkeys((*names, *more, *times)) | columns))


SCHOOL = {"school_number": "7", "school_name": "High", "enrollment_id": 1}


def test_a_list_is_lines_of_its_columns_and_blank_where_nothing_is_known():
    record = row(
        **SCHOOL, outcome="rejected", reason="r", detail="99", calendar_name="C", start_date=date(2026, 1, 2),
        cte_program_type="01", career_cluster="A", program_name="P",
    )  # fmt: skip
    assert dict(zip(lines.RECORD_COLUMNS, lines.record_line(record), strict=True)) == {
        "enrollment": 1, "outcome": "rejected", "reason": "r", "code": "99", "school": "High (7)", "calendar": "C",
        "start date": "2026-01-02", "program type": "01", "career cluster": "A", "program name": "P",
    }  # fmt: skip
    assert lines.record_line(row(enrollment_id=1, outcome="desired")) == (1, "desired", *[""] * 8)
    sent = row(
        **SCHOOL, event_id=5, queued_at=AT, answered_at=AT, step="upsert", action="Post", cause="new", status="sent",
        http_status=201, attempts=2, program_name="P", begin_date="2025-08-20", ods_id="id", run_id="run",
    )  # fmt: skip
    at = "2026-01-15 12:00:00"
    assert dict(zip(lines.EVENT_COLUMNS, lines.event_line(sent), strict=True)) == {
        "event": 5, "queued (UTC)": at, "answered (UTC)": at, "step": "upsert", "action": "Post", "cause": "new",
        "status": "sent", "http status": 201, "attempts": 2, "enrollment": 1, "school": "High (7)",
        "program name": "P", "begin date": "2025-08-20", "ods id": "id", "run": "run",
    }  # fmt: skip
    bare = row(event_id=5, queued_at=AT, step="s", action="a", cause="c", status="pending", attempts=0, run_id="run")
    assert lines.event_line(bare) == (5, at, "", "s", "a", "c", "pending", "", 0, *[""] * 5, "run")
    held = row(**SCHOOL, state="held", action="Delete", cause="c", reason="r", ods_id="id", since=AT, seen_at=AT)
    assert lines.kept_line(held) == ("held", "Delete", "c", "r", 1, "High (7)", "id", at, at)
    bare = row(state="held", action="Delete", cause="c", reason="r", since=AT, seen_at=AT)
    assert lines.kept_line(bare) == ("held", "Delete", "c", "r", "", "", "", at, at)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_taken_for_a_formula(sign: str):
    assert lines.cell(f"{sign}1") == f"'{sign}1"
    assert lines.cell(f"1{sign}") == f"1{sign}"
    assert lines.cell(-1) == -1
    assert lines.cell("") == ""
