"""What is wrong now, grouped by what a person mends at once: reason, code and school."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger import codes, error_groups, failures
from edfi_cte.ledger.codes import Code
from edfi_cte.ledger.error_groups import Group
from edfi_cte.ledger.failures import FailureCause
from edfi_cte.ledger.schema import attempt, enrollment_record, event, record_outcome
from tests.ledger.rows import AT, OTHER, TARGET, add, add_each

PLAN = 10
HIGH = {"school_number": "1", "school_name": "High"}


def day(number: int) -> datetime:
    return AT + timedelta(days=number)


def reject(connection: sa.Connection, number: int, school: dict[str, Any], **columns: Any) -> None:
    add(connection, enrollment_record, enrollment_id=number, **school)
    add(connection, record_outcome, **({"enrollment_id": number, "outcome": "rejected"} | columns))


def test_rejected_records_are_grouped_by_reason_code_and_school_most_first(memory: sa.Connection):
    for number in (9, 3, 4, 5, 6, 7):
        reject(memory, number, HIGH, reason="unmapped", detail="99", since=day(number))
    reject(memory, 10, HIGH, reason="unmapped", detail="98")
    reject(memory, 11, {"school_number": "2"}, reason="unmapped", detail="98", since=day(1))
    reject(memory, 12, {})
    reject(memory, 13, HIGH, outcome="excluded", reason="unmapped", detail="99", since=day(0))
    add(memory, record_outcome, target_id=OTHER, enrollment_id=3, outcome="rejected", since=day(0))
    add(memory, enrollment_record, target_id=OTHER, enrollment_id=3)
    assert error_groups.campus_errors(memory, TARGET) == [
        Group("unmapped", "99", "1", "High (1)", 6, day(3), examples=[3, 4, 5, 6, 7]),
        Group("", "", "", "", 1, examples=[12]),
        Group("unmapped", "98", "1", "High (1)", 1, examples=[10]),
        Group("unmapped", "98", "2", "2", 1, day(1), examples=[11]),
    ]


def fail(connection: sa.Connection, number: int, *said: str, **columns: Any) -> None:
    base = {"event_id": number, "run_id": "run", "status": "failed", "enrollment_id": number, "queued_at": day(20)}
    add(connection, event, **(base | {"step": "upsert", "http_status": 409} | columns))
    for word in said:
        add(connection, attempt, event_id=number, error_type=word, message=f"{word} {number}", advice=f"mend {word}")


def test_refused_events_are_grouped_by_their_last_answer_http_status_and_school(memory: sa.Connection):
    for number in (11, 12):
        add(memory, enrollment_record, enrollment_id=number, **HIGH)
    add(memory, enrollment_record, target_id=OTHER, enrollment_id=14, **HIGH)
    fail(memory, 11, "timeout", "reference")
    fail(memory, 12, "reference", queued_at=day(21))
    fail(memory, 13, "reference")
    fail(memory, 14, "reference", queued_at=day(19), enrollment_id=None)
    fail(memory, 15, http_status=None)
    fail(memory, 16, "reference", status="sent")
    fail(memory, 17, "reference", run_id="other")
    fail(memory, 18, "reference", target_id=OTHER)
    fail(memory, PLAN, "reference")
    mended: dict[str, Any] = {"advice": "mend reference", "http_status": 409}
    assert error_groups.edfi_errors(memory, TARGET, "run", PLAN) == [
        Group("reference", "409", "", "", 2, day(19), message="reference 13", examples=[13], **mended),
        Group("reference", "409", "1", "High (1)", 2, day(20), message="reference 11", examples=[11, 12], **mended),
        Group("unknown", "no answer", "", "", 1, day(20), examples=[15]),
    ]


def test_an_error_lasts_since_the_first_try_in_vain_that_no_success_followed(memory: sa.Connection):
    fail(memory, 1, "x", enrollment_id=7, queued_at=day(1), run_id="earlier")
    fail(memory, 2, enrollment_id=7, queued_at=day(2), status="sent", run_id="earlier")
    fail(memory, 3, "x", enrollment_id=7, queued_at=day(3), run_id="earlier")
    fail(memory, 4, "x", enrollment_id=7, queued_at=day(4), run_id="earlier")
    fail(memory, 5, enrollment_id=7, queued_at=day(0), status="superseded", run_id="earlier")
    fail(memory, 6, "x", enrollment_id=7, queued_at=day(0), target_id=OTHER)
    fail(memory, 7, "x", enrollment_id=8, queued_at=day(0), run_id="earlier")
    fail(memory, 11, "x", enrollment_id=7)
    [group] = error_groups.edfi_errors(memory, TARGET, "run", PLAN)
    assert group.since == day(3)


def test_examples_are_the_first_records_of_each_reason(memory: sa.Connection):
    for number in (9, 8, 7):
        reject(memory, number, HIGH, reason="unmapped", detail="99")
    for number in (1, 2, 3):
        reject(memory, number, HIGH, reason="unmapped", detail="98")
    fail(memory, 11, "reference")
    fail(memory, 12, "lost", enrollment_id=None)
    found = error_groups.examples(memory, TARGET, "run", PLAN)
    assert found == {"unmapped": [1, 2, 3, 7, 8], "reference": [11]}


def test_what_a_step_failed_of_is_told_by_the_last_answer_and_what_it_is_about(memory: sa.Connection):
    body = '{"aDescriptor": "uri://a#1", "list": [{"bDescriptor": "uri://b#2"}], "c": "uri://c#3", "dDescriptor": 4}'
    about: dict[str, Any] = {"program_name": "Agriculture", "body": body}
    fail(memory, 1, "unknown_descriptor", "unresolved_reference", **about)
    fail(memory, 2, "unresolved_reference", **about)
    fail(memory, 3, "program_missing", program_name="Business")
    fail(memory, 4, "unresolved_reference")
    fail(memory, 5, "unknown_descriptor", **about)
    fail(memory, 6, "unknown_descriptor")
    fail(memory, 7, "validation", **about)
    for number, columns in enumerate(({"status": "sent"}, {"run_id": "x"}, {"step": "x"}, {"target_id": OTHER}), 20):
        fail(memory, number, "validation", **columns)
    found = failures.by_cause(memory, TARGET, "run", "upsert")
    assert found[0] == FailureCause("unresolved_reference", "program 'Agriculture'", "mend unresolved_reference", 2)
    assert {(cause.error_type, cause.about, cause.events) for cause in found[1:]} == {
        ("program_missing", "program 'Business'", 1),
        ("unresolved_reference", "", 1),
        ("unknown_descriptor", "uri://a#1, uri://b#2", 1),
        ("unknown_descriptor", "", 1),
        ("validation", "", 1),
    }


def test_of_a_documents_descriptors_those_that_the_answer_names_are_told(memory: sa.Connection):
    body = '{"aDescriptor": "uri://a#1", "bDescriptor": "uri://b#2", "cDescriptor": "uri://c#3"}'
    for number, message in enumerate(("'uri://a#1' is unknown", 'no "uri://b#2"'), 1):
        fail(memory, number, body=body)
        add(memory, attempt, event_id=number, error_type="unknown_descriptor", message=message)
    found = failures.by_cause(memory, TARGET, "run", "upsert")
    assert sorted(cause.about for cause in found) == ["uri://a#1", "uri://b#2"]


def test_codes_in_use_are_counted_of_the_records_that_no_rule_excludes(memory: sa.Connection):
    base = {"enrollment_id": 1, "cte_program_type": "01", "cte_program_type_name": "Farm", "career_cluster": "A"}
    others = [
        {"enrollment_id": 2, "career_cluster": "B"},
        {"enrollment_id": 3, "cte_program_type_name": None, "student_status": "S"},
        {"enrollment_id": 4, "excluded_by": "no_show"},
        {"enrollment_id": 5, "target_id": OTHER},
    ]
    add_each(memory, enrollment_record, base, others)
    assert codes.in_use(memory, TARGET) == {
        "career_cluster": {Code("A", ""): 2, Code("B", ""): 1},
        "cte_program_type": {Code("01", "Farm"): 2, Code("01", ""): 1},
        "career_pathway": {},
        "student_status": {Code("S", ""): 1},
        "certification_status": {},
    }


def test_rejections_are_counted_by_reason_and_code(memory: sa.Connection):
    base = {"enrollment_id": 1, "outcome": "rejected", "reason": "unmapped", "detail": "99"}
    others = [
        {"enrollment_id": 2},
        {"enrollment_id": 3, "detail": None},
        {"enrollment_id": 4, "reason": None},
        {"enrollment_id": 5, "outcome": "excluded"},
        {"enrollment_id": 6, "target_id": OTHER},
    ]
    add_each(memory, record_outcome, base, others)
    counted = {("unmapped", "99"): 2, ("unmapped", ""): 1, ("", "99"): 1}
    assert codes.rejected_for(memory, TARGET) == counted
