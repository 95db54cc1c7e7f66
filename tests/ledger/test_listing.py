"""Lists of records, events and what is kept: a page holds what fits and no more, and leads to the next."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import listing
from edfi_cte.ledger.listing import Events, Records
from edfi_cte.ledger.schema import attempt, enrollment_record, event, kept_record, record_outcome
from tests.ledger.rows import OTHER, TARGET, add, add_each

RECORD = {"outcome": "rejected", "reason": "unmapped", "detail": "99"}


@pytest.fixture
def records(memory: sa.Connection) -> sa.Connection:
    """Records that differ in one thing each; the sixth has been read and is gone since."""
    add_each(
        memory,
        record_outcome,
        RECORD | {"enrollment_id": 1},
        [
            {"enrollment_id": 2, "outcome": "excluded"},
            {"enrollment_id": 3, "reason": None},
            {"enrollment_id": 4, "detail": None},
            {"enrollment_id": 5, "reason": "other"},
            {"enrollment_id": 6, "detail": "98"},
            {"enrollment_id": 7, "target_id": OTHER},
            {"target_id": OTHER},
        ],
    )
    schools = {1: "1", 2: "1", 3: "2", 4: None, 5: "1"}
    for number, school in schools.items():
        add(memory, enrollment_record, enrollment_id=number, school_number=school, calendar_name=f"of {number}")
        add(memory, enrollment_record, enrollment_id=number, school_number="1", target_id=OTHER)
    add(memory, enrollment_record, enrollment_id=7, school_number="1", target_id=OTHER)
    return memory


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Records(), [1, 2, 3, 4, 5]),
        (Records(outcome="excluded"), [2]),
        (Records(reason="unmapped"), [1, 2, 4]),
        (Records(reason=""), [3]),
        (Records(detail="99"), [1, 2, 3, 5]),
        (Records(detail=""), [4]),
        (Records(school="1"), [1, 2, 5]),
        (Records(school="2"), [3]),
        (Records(school=""), [4]),
        (Records(outcome="rejected", reason="unmapped", detail="99", school="1"), [1]),
        (Records(outcome=""), []),
    ],
)
def test_the_records_that_fit_are_listed_by_id(records: sa.Connection, wanted: Records, found: list[int]):
    page = listing.records(records, TARGET, wanted)
    assert [row.enrollment_id for row in page.rows] == found
    assert [row.calendar_name for row in page.rows] == [f"of {number}" for number in found]
    assert page.after is None


def pages_of(read: Any) -> list[list[Any]]:
    return [[row[0] for row in rows] for rows in listing.pages(read)]


def test_a_page_of_records_leads_to_the_next_and_the_last_one_nowhere(records: sa.Connection):
    rejected = Records(outcome="rejected", detail="99")
    assert listing.records(records, TARGET, rejected, limit=3) == listing.records(records, TARGET, rejected)
    assert listing.records(records, TARGET, Records(), limit=2).after == 2
    read = [[1, 2], [3, 4], [5]]
    assert pages_of(lambda after: listing.records(records, TARGET, Records(), after, 2)) == read
    assert pages_of(lambda after: listing.records(records, TARGET, Records(reason="none"), after)) == [[]]


EVENT: dict[str, Any] = {
    "event_id": 1,
    "status": "failed",
    "action": "Post",
    "cause": "new",
    "step": "upsert",
    "run_id": "run",
    "enrollment_id": 1,
}
DIFFERING = {"status": "sent", "action": "Put", "cause": "x", "step": "x", "run_id": "x", "enrollment_id": 2}


@pytest.fixture
def queue(memory: sa.Connection) -> sa.Connection:
    """Events that differ in one thing each, and their tries."""
    others = [{name: value, "event_id": number} for number, (name, value) in enumerate(DIFFERING.items(), 2)]
    add_each(memory, event, EVENT, [*others, {"event_id": 9, "target_id": OTHER}])
    tries = [(1, "timeout"), (1, "reference"), (2, "reference"), (3, "timeout"), (9, "reference")]
    for number, (event_id, error_type) in enumerate(tries, 1):
        add(memory, attempt, attempt_id=number, event_id=event_id, error_type=error_type)
    add(memory, enrollment_record, enrollment_id=1, school_number="7")
    add(memory, enrollment_record, enrollment_id=1, school_number="8", target_id=OTHER)
    return memory


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Events(), [7, 6, 5, 4, 3, 2, 1]),
        *((Events(**{name: value}), [n]) for n, (name, value) in enumerate(DIFFERING.items(), 2)),
        (Events(**{name: EVENT[name] for name in DIFFERING}), [1]),
        (Events(plan_after=5), [7, 6]),
        (Events(error_type="reference"), [2, 1]),
        (Events(error_type="timeout"), [3]),
        (Events(error_type="none"), []),
    ],
)
def test_the_events_that_fit_are_listed_newest_first(queue: sa.Connection, wanted: Events, found: list[int]):
    page = listing.events(queue, TARGET, wanted)
    assert [row.event_id for row in page.rows] == found
    assert [row.school_number for row in page.rows] == [None if number == 7 else "7" for number in found]
    assert page.after is None


def test_a_page_of_events_leads_to_the_next_and_none_has_a_whole_document(queue: sa.Connection):
    assert listing.events(queue, TARGET, Events(), limit=7).after is None
    assert listing.events(queue, TARGET, Events(), limit=3).after == 5
    read = [[7, 6, 5], [4, 3, 2], [1]]
    assert pages_of(lambda after: listing.events(queue, TARGET, Events(), after, 3)) == read
    row = listing.events(queue, TARGET, Events()).rows[0]
    missing = set(event.columns.keys()).difference(row._fields)
    assert missing == {"body", "key_exact", "content_hash", "transformed_with"}


def test_tries_are_told_by_event_oldest_first(queue: sa.Connection):
    found = listing.attempts(queue, [1, 3, 4])
    assert {number: [row.error_type for row in rows] for number, rows in found.items()} == {
        1: ["timeout", "reference"],
        3: ["timeout"],
    }


def test_what_is_kept_is_listed_by_key_with_its_school(memory: sa.Connection):
    base = {"key_id": "a", "state": "held", "enrollment_id": 1}
    others = [
        {"key_id": "c", "enrollment_id": None},
        {"key_id": "b", "enrollment_id": 2},
        {"key_id": "d", "state": "waiting"},
        {"key_id": "e", "target_id": OTHER},
    ]
    add_each(memory, kept_record, base, others)
    add(memory, enrollment_record, enrollment_id=1, school_number="7")
    for number in (1, 2):
        add(memory, enrollment_record, enrollment_id=number, school_number="8", target_id=OTHER)
    whole = listing.kept_records(memory, TARGET, "held", limit=3)
    assert [(row.key_id, row.school_number) for row in whole.rows] == [("a", "7"), ("b", None), ("c", None)]
    assert whole.after is None
    first = listing.kept_records(memory, TARGET, "held", limit=2)
    assert (len(first.rows), first.after) == (2, "b")
    second = listing.kept_records(memory, TARGET, "held", first.after, limit=2)
    assert ([row.key_id for row in second.rows], second.after) == (["c"], None)


@pytest.mark.parametrize(
    ("name", "number", "said"),
    [("High", "7", "High (7)"), ("High", None, "High"), (None, "7", "7"), ("", "7", "7"), (None, None, "")],
)
def test_a_school_is_named_as_a_person_does(memory: sa.Connection, name: str | None, number: str | None, said: str):
    add(memory, enrollment_record, school_name=name, school_number=number)
    assert listing.school_of(memory.execute(sa.select(enrollment_record)).one()) == said
