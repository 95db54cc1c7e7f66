"""The plan, from ledger rows to events: carried out in any order, it turns what is mapped into what is desired."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from edfi_cte.associations.model import NaturalKey, digest
from edfi_cte.associations.plan import Action, Cause, event_for
from edfi_cte.ledger import differences, events
from edfi_cte.ledger.schema import event, identity_mapping, metadata, record_outcome

TARGET = "039141-2026"


class Thing(NamedTuple):
    """A desired or mapped association: which program, for which student, from which enrollment, saying what."""

    program: str
    student: str
    enrollment_id: int
    cluster: str


@pytest.fixture(scope="module")
def ledger() -> Iterator[sa.Engine]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


PROGRAMS = ["Agriculture", "AGRICULTURE", "Business"]
things = st.lists(
    st.builds(
        Thing,
        program=st.sampled_from(PROGRAMS),
        student=st.sampled_from("ABC"),
        enrollment_id=st.integers(1, 6),
        cluster=st.sampled_from("12"),
    ),
    max_size=8,
)


def key(thing: Thing) -> NaturalKey:
    return NaturalKey(date(2025, 8, 20), 39141, 39141, thing.program, "uri://x/YDescriptor#z", thing.student)


def columns(thing: Thing) -> dict[str, Any]:
    return {
        "target_id": TARGET,
        "key_id": key(thing).key_id,
        "key_exact": key(thing).exact,
        "enrollment_id": thing.enrollment_id,
        "payload_hash": digest(repr((thing.program, thing.student, thing.cluster))),
        "content_hash": digest(repr((key(thing).key_id, thing.cluster))),
        "student_unique_id": thing.student,
        "cte_program_type": thing.program,
        "career_cluster": thing.cluster,
        "transformed_with": "-",
    }


def store(connection: sa.Connection, desired: list[Thing], mapped: list[Thing]) -> None:
    for table in (record_outcome, identity_mapping, event):
        connection.execute(sa.delete(table))
    for thing in desired:
        extra = {"begin_date": "2025-08-20", "outcome": "desired", "body": repr(thing)}
        connection.execute(sa.insert(record_outcome).values(columns(thing) | extra))
    for number, thing in enumerate(mapped):
        extra = {"ods_id": f"id{number}", "begin_date": "2025-08-20", "sent_at": sa.func.now()}
        connection.execute(sa.insert(identity_mapping).values(columns(thing) | extra))
    connection.commit()


def one_a_key(found: list[Thing]) -> list[Thing]:
    return list({key(thing).key_id: thing for thing in found}.values())


def one_an_enrollment(found: list[Thing]) -> list[Thing]:
    return list({thing.enrollment_id: thing for thing in found}.values())


def plan(connection: sa.Connection) -> list[tuple[differences.Found, Any]]:
    found = [(f, event_for(f.difference)) for f in differences.differences(connection.engine, TARGET)]
    return [(f, planned) for f, planned in found if planned is not None]


@settings(max_examples=400, deadline=None)
@given(things, things, st.randoms(use_true_random=False))
def test_the_plan_turns_what_is_mapped_into_what_is_desired_in_any_order(ledger, desired, mapped, random):
    desired, mapped = one_a_key(one_an_enrollment(desired)), one_a_key(mapped)
    with ledger.connect() as connection:
        store(connection, desired, mapped)
        todo = plan(connection)
    ods = {key(thing).key_id: columns(thing)["payload_hash"] for thing in mapped}
    before = dict(ods)
    random.shuffle(todo)
    for found, planned in todo:
        old, new = found.difference.mapped, found.difference.desired
        if planned.action.deletes:
            assert ods.pop(old.key_id) == before[old.key_id]
        if planned.action is Action.PUT:
            assert ods[new.key_id] == before[new.key_id]
        if planned.action is not Action.DELETE:
            ods[new.key_id] = new.payload_hash
    assert ods == {key(thing).key_id: columns(thing)["payload_hash"] for thing in desired}
    touched = [f.difference.desired.key_id for f, p in todo if f.difference.desired]
    assert len(touched) == len(set(touched))


@settings(max_examples=100, deadline=None)
@given(things)
def test_nothing_is_planned_where_nothing_differs(ledger, same):
    same = one_a_key(one_an_enrollment(same))
    with ledger.connect() as connection:
        store(connection, same, same)
        assert plan(connection) == []


A = Thing("Agriculture", "A", 1, "1")


@pytest.mark.parametrize(
    ("change", "action", "cause"),
    [
        ({"student": "B"}, Action.DELETE_POST, Cause.STUDENT_ID_CHANGED),
        ({"program": "Business"}, Action.DELETE_POST, Cause.CTE_PROGRAM_TYPE_CHANGED),
        ({"program": "AGRICULTURE"}, Action.DELETE_POST, Cause.CTE_PROGRAM_TYPE_CHANGED),
        ({"cluster": "2"}, Action.DELETE_POST, Cause.CAREER_CLUSTER_CHANGED),
        ({"cluster": "2", "enrollment_id": 2}, Action.PUT, Cause.SOURCE_CHANGED),
    ],
)
def test_what_changed_gives_the_event_and_its_cause(ledger, change, action, cause):
    with ledger.connect() as connection:
        store(connection, [A._replace(**change)], [A])
        [(_, planned)] = plan(connection)
    assert (planned.action, planned.cause) == (action, cause)


def test_a_request_without_an_answer_is_cleared_up_whatever_is_desired_now(ledger):
    """A post that may have arrived: wanted -> posted again; unwanted -> looked up and deleted."""
    with ledger.connect() as connection:
        for desired, action in [([A], Action.POST), ([], Action.DELETE)]:
            store(connection, desired, [])
            row = columns(A) | {"step": "upsert", "action": "Post", "cause": "new_record", "body": "{}"}
            row |= {"begin_date": "2025-08-20", "program_name": A.program}
            events.add(connection, TARGET, "run", [row])
            connection.commit()
            events.claim(connection, TARGET, "upsert", 0, 10)
            events.supersede(connection, TARGET)
            connection.commit()
            [(found, planned)] = plan(connection)
            assert (planned.action, planned.cause) == (action, Cause.ANSWER_LOST)
            assert found.ods_id is None
