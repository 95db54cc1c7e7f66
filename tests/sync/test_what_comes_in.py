"""What comes in from the ODS is looked at before it decides anything; what is none loses nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from edfi_cte.ods.message import Answer, Request
from edfi_cte.sync.lane import StepFailed
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, counting_writes

Tamper = Callable[[Request, Answer], Answer]


@pytest.fixture
def sent(world: World) -> World:
    for number in range(1, 7):
        world.campus.add(number, person=number)
    world.run()
    return world


def is_page(request: Request) -> bool:
    return request.method == "GET" and request.url.path.endswith(RESOURCE)


def test_a_gateways_page_in_the_middle_of_a_run_stops_it_and_nothing_is_lost(world: World):
    for number in range(1, 7):
        world.campus.add(number, person=number)
    page = Fault(kind="status", status=403, html=True, method="POST", path=RESOURCE, skip=2)
    with (
        world.odses[2026].control.faults(page),
        pytest.raises(StepFailed, match="answered in its place") as stopped,
    ):
        world.run()
    assert "authorization" not in str(stopped.value)
    assert world.in_ledger("SELECT COUNT(*) FROM edfi_cte_event WHERE status = 'failed'") == [(0,)]
    world.run()
    assert world.there() == world.expected()


def test_an_empty_404_does_not_settle_a_delete(sent: World, between: Callable[[Tamper], None]):
    """ODS/API 7.3 says in JSON that an item is gone; a proxy that lost its way says nothing."""
    there = sent.there()
    sent.campus.remove(3)
    between(lambda request, answer: Answer(404, {}, b"") if request.method == "DELETE" else answer)
    with pytest.raises(StepFailed):
        sent.run()
    assert sent.in_ledger("SELECT COUNT(*) FROM edfi_cte_identity_mapping") == [(len(there),)]


def test_a_refusal_with_what_no_database_can_hold_fails_its_record_alone(
    world: World, between: Callable[[Tamper], None]
):
    for number in range(1, 4):
        world.campus.add(number, person=number)
    world.settings["guards"] = {"max_failure_fraction": 1}
    odd = rb'{"type": "urn:ed-fi:api:bad-request", "detail": "The field \ud800 is required.\u0000"}'
    refused: list[Request] = []

    def tamper(request: Request, answer: Answer) -> Answer:
        if request.method != "POST" or not request.url.path.endswith(RESOURCE) or refused:
            return answer
        refused.append(request)
        return Answer(400, {"Content-Type": "application/json"}, odd)

    between(tamper)
    world.run()
    assert world.in_ledger("SELECT status, COUNT(*) FROM edfi_cte_event GROUP BY status ORDER BY 1") == [
        ("failed", 1),
        ("sent", 2),
    ]
    [(message,)] = world.in_ledger("SELECT message FROM edfi_cte_attempt")
    assert "The field … is required" in message
    assert message.isprintable()


def altered(change: Callable[[Any], None]) -> Tamper:
    """Changes the second item of each page."""

    def tamper(request: Request, answer: Answer) -> Answer:
        if not is_page(request) or not answer.ok or len(rows := json.loads(answer.body)) < 2:
            return answer
        change(rows[1])
        return answer._replace(body=json.dumps(rows).encode())

    return tamper


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


CHANGES: dict[str, Callable[[Any], Any]] = {
    "no program": lambda row: row.pop("programReference"),
    "no organization": lambda row: row.pop("educationOrganizationReference"),
    "a reference that is text": lambda row: row.update(programReference="x"),
    "an organization of letters": lambda row: row["educationOrganizationReference"].update(
        educationOrganizationId="abc"
    ),
    "an id that is none": lambda row: row.update(id="x" * 60),
    "nesting": lambda row: row.update(services=deep(400)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_item_that_is_none_stops_the_reading_before_anything_is_deleted(
    sent: World, between: Callable[[Tamper], None], change: str
):
    there = sent.there()
    between(altered(CHANGES[change]))
    with counting_writes(sent.odses[2026]) as counted:
        if change == "nesting":
            sent.run()  # read, and put right as any other edit
        else:
            with pytest.raises(StepFailed, match="malformed_answer") as stopped:
                sent.run()
            assert stopped.value.__cause__ is None or "1000000" not in str(stopped.value)
    assert counted[0] <= 1
    assert sent.there() == there


STRANGE: dict[str, Callable[[Any], Any]] = {
    "a date that is none": lambda row: row.update(beginDate="31/12/2025"),
    "a date that is a number": lambda row: row.update(beginDate=20251231),
    "a student beyond the column": lambda row: row["studentReference"].update(studentUniqueId="9" * 300),
    "a student with a NUL": lambda row: row["studentReference"].update(studentUniqueId="1\0"),
    "a program that is a list": lambda row: row["programReference"].update(programName=["x"]),
    "no student": lambda row: row.pop("studentReference"),
}


@pytest.mark.parametrize("change", STRANGE)
def test_a_stranger_without_a_key_is_not_taken_for_a_record_without_a_source(
    sent: World, between: Callable[[Tamper], None], change: str
):
    there = sent.there()

    def strange(row: Any) -> None:
        row["id"] = "f" * 32
        STRANGE[change](row)

    between(altered(strange))
    with pytest.raises(StepFailed, match="malformed_answer"):
        sent.run()
    assert sent.there() == there


@pytest.mark.parametrize("where", ["the first page", "a later page", "a single record"])
@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_a_read_that_fails_inside_the_resync_drops_nothing_and_deletes_nothing(
    sent: World, between: Callable[[Tamper], None], where: str, status: int
):
    """A record is missing in the ODS, another is a stranger: with half a reading neither may be acted on."""
    control = sent.odses[2026].control
    stranger = dict(control.documents(RESOURCE)[0]) | {"beginDate": "2025-12-01"}
    del stranger["id"]
    control.put(RESOURCE, stranger)
    control.delete(RESOURCE, control.documents(RESOURCE)[2]["id"])
    there, mapped = sent.there(), sent.in_ledger("SELECT * FROM edfi_cte_identity_mapping ORDER BY key_id")
    seen: list[int] = []

    def tamper(request: Request, answer: Answer) -> Answer:
        single = request.method == "GET" and f"/{RESOURCE}/" in request.url.path
        if single if where == "a single record" else is_page(request):
            seen.append(1)
            if where != "a later page" or len(seen) > 1:
                return Answer(status, {}, b"<html>a gateway's</html>")
        return answer

    sent.page_size = 2
    sent.do("resync", "preflight", "extract", "transform", "upsert", "natural_key_changes")
    between(tamper)
    with pytest.raises(StepFailed, match="reading the ODS failed") as stopped:
        sent.do("resync", "resync_identity_mapping")
    assert stopped.value.transient
    assert sent.in_ledger("SELECT * FROM edfi_cte_identity_mapping ORDER BY key_id") == mapped
    with pytest.raises(StepFailed):
        sent.do("resync", "resync_identity_mapping")
    assert sent.report("resync").status == "failed"
    assert sent.there() == there
