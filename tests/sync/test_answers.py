"""Answers that say less than they should, a Put that meets nothing, and what a failure carries from end to end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger.schema import attempt
from edfi_cte.ods.message import Answer, Request
from edfi_cte.sync.lane import StepFailed
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World

Tamper = Callable[[Request, Answer], Answer]
Between = Callable[[Tamper], None]


@pytest.fixture
def two(world: World) -> World:
    world.campus.add(1)
    world.campus.add(2, person=2)
    return world


def posts(change: Callable[[Answer], Answer]) -> Tamper:
    return lambda request, answer: change(answer) if request.method == "POST" and is_ours(request) else answer


def is_ours(request: Request) -> bool:
    return f"/{RESOURCE}" in request.url.path


def with_location(location: str | None) -> Callable[[Answer], Answer]:
    def change(answer: Answer) -> Answer:
        kept = {name: value for name, value in answer.headers.items() if name.lower() != "location"}
        return answer._replace(headers=kept if location is None else kept | {"Location": location})

    return change


def ids(world: World) -> set[str]:
    return {row.ods_id for row in world.in_ledger("SELECT ods_id FROM edfi_cte_identity_mapping")}


@pytest.mark.parametrize("location", [None, f"https://x/data/v3/ed-fi/{RESOURCE}", f"https://x/{'z' * 60}"])
def test_the_id_is_looked_up_where_the_answer_tells_none(two: World, between: Between, location: str | None):
    between(posts(with_location(location)))
    assert two.run().counts["sent"]["Post"] == 2
    assert ids(two) == {document["id"] for document in two.odses[2026].control.documents(RESOURCE)}


def test_an_accepted_document_that_is_not_listed_stays_in_doubt_until_it_is(two: World, between: Between):
    listed = [False]

    def tamper(request: Request, answer: Answer) -> Answer:
        if request.method == "POST" and is_ours(request):
            return with_location(None)(answer)
        if request.method == "GET" and "beginDate" in request.url.query and not listed[0]:
            return answer._replace(body=b"[]", headers={"Total-Count": "0"})
        return answer

    between(tamper)
    assert two.run(resync=False).counts["failed for"] == {"malformed_answer": 2}
    assert ids(two) == set()
    [(doubtful,)] = two.in_ledger("SELECT COUNT(*) FROM edfi_cte_event WHERE in_doubt = 1")
    assert doubtful == 2
    listed[0] = True
    two.run()
    assert two.there() == two.expected()
    assert len(ids(two)) == 2


def test_a_put_that_meets_nothing_posts(two: World):
    two.settings["preferences"]["default"] = {"send_end_date": True}
    two.run()
    control = two.odses[2026].control
    gone = control.documents(RESOURCE)[0]
    control.delete(RESOURCE, gone["id"])
    for number in (1, 2):
        two.campus.set("Enrollment", number, endDate=datetime(2026, 3, 2))  # noqa: DTZ001 - as Campus keeps it
    assert two.run(resync=False).counts["sent"]["Put"] == 2
    assert two.there() == two.expected()
    assert gone["id"] not in ids(two)
    assert ids(two) == {document["id"] for document in control.documents(RESOURCE)}


def test_a_failure_keeps_status_type_words_advice_correlation_id_and_time(two: World, between: Between):
    problem = {
        "type": "urn:ed-fi:api:data-conflict:unresolved-reference",
        "detail": "The referenced 'Program' item does not exist.",
        "status": 409,
        "correlationId": "c0ffee-17",
    }
    between(posts(lambda _answer: Answer(409, {}, json.dumps(problem).encode())))
    result = two.run(resync=False)
    assert result.counts["failed for"] == {"unresolved_reference": 2}
    with two.ledger.connect() as connection:
        rows = connection.execute(sa.select(attempt)).all()
    for row in rows:
        assert (row.http_status, row.error_type, row.correlation_id) == (409, "unresolved_reference", "c0ffee-17")
        assert "The referenced 'Program' item does not exist." in row.message
        assert row.advice == result.advice["unresolved_reference"]
        assert timedelta() <= datetime.now(UTC).replace(tzinfo=None) - row.at < timedelta(minutes=5)


def test_a_run_that_fails_for_several_causes_names_each_with_its_number(world: World):
    world.settings["guards"] = {"max_failure_count": 0, "max_failure_fraction": 0}
    unknown = {"mapping": {"5": "uri://ed-fi.org/CTEProgramServiceDescriptor#Nowhere"}}
    world.settings["preferences"]["default"] = {"career_cluster": unknown}
    for number in range(1, 6):
        world.campus.add(number, "5" if number < 3 else "8", person=number)
    for person in (3, 4, 5):
        world.campus.set("Person", person, stateID=f"55555555{person:02}")
    with pytest.raises(StepFailed) as failed:
        world.run()
    said = str(failed.value)
    assert "5 events failed" in said
    assert "2 unknown_descriptor: " in said
    assert said.index("3 ") < said.index("2 unknown_descriptor"), "the most first"
    assert "55555555" not in said


STEPS = ["upsert", "natural_key_changes", "resync_identity_mapping", "resync_ods"]


@pytest.mark.parametrize("step", ["preflight", *STEPS])
def test_an_outage_in_any_step_is_transient(two: World, step: str):
    """As Airflow acts on it: tests/dags/test_task_retries.py."""
    two.settings["preferences"]["default"] = {"send_end_date": True}
    two.run()
    two.campus.add(3, person=3)
    two.campus.set("Person", 2, stateID="1000000004")
    control = two.odses[2026].control
    edited = {
        k: v for k, v in control.documents(RESOURCE)[0].items() if k not in ("id", "_etag", "_lastModifiedDate")
    }
    control.put(RESOURCE, edited | {"endDate": "2026-02-02"})
    earlier = ["preflight", "extract", "transform", *STEPS]
    two.do("run", *earlier[: earlier.index(step)])
    with control.faults(Fault(kind="status", status=503)), pytest.raises(EdfiCteError) as failed:
        two.do("run", step)
    assert failed.value.transient
    assert two.report("run").message.startswith(str(failed.value).splitlines()[0])


@pytest.mark.parametrize("step", ["extract", "transform"])
def test_what_a_person_has_to_mend_is_not_transient(two: World, step: str):
    two.do("run", "preflight")
    two.settings["preferences"]["default"] = {"send_end_date": True}
    with pytest.raises(EdfiCteError) as failed:
        two.do("run", step)
    assert not failed.value.transient


def test_a_summary_of_what_came_back_holds_no_student(two: World, between: Between):
    between(posts(lambda _answer: Answer(400, {}, b'{"detail": "Student 1000000001 is wrong", "type": "urn:x"}')))
    result: Any = two.run(resync=False)
    assert "1000000001" not in result.table()
