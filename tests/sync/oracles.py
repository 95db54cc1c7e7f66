"""What the model test holds the ODS to: what Campus derives, and what is kept for a reason that is so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger import schema
from sandbox import oracle
from tests.sync.world import RESOURCE, World, is_ours

SCHOOL_ENROLLMENTS = "studentSchoolAssociations"


def compare(world: World, year: int) -> dict[oracle.Key, Any]:
    """The ODS is what the oracle derives, plus what the ledger keeps for reasons that are so. Gives what is kept."""
    wanted, there, kept = world.expected(year), world.there(year), world.kept_documents(year)
    assert there.keys() == wanted.keys() | kept.keys()
    assert {key: there[key] for key in wanted} == wanted
    rejected = world.rejections(year)
    for key, row in kept.items():
        assert key not in wanted or row.state == "out_of_reach"
        if row.state == "held":
            of_student = rejected_like(world, key, rejected)
            assert rejected.get(row.enrollment_id) == row.reason or row.reason in of_student
    return kept


def rejected_like(world: World, key: oracle.Key, rejected: dict[int, str]) -> set[str]:
    """The reasons for which records of the key's student and begin date are rejected."""
    found = set()
    for number, reason in rejected.items():
        enrollment = world.campus.row("Enrollment", number)
        student = world.campus.row("Person", enrollment["personID"])["stateID"]
        if student == key[5] and enrollment["startDate"].date().isoformat() == key[0]:
            found.add(reason)
    return found


def mapped(world: World, year: int) -> list[Any]:
    """The identity mapping of a year."""
    mapping = schema.identity_mapping
    with world.ledger.connect() as connection:
        statement = sa.select(mapping).where(mapping.c.target_id == world.lane(year).target_id)
        return list(connection.execute(statement))


def must_stay(world: World, year: int) -> set[oracle.Key]:
    """What the ODS has of ours whose enrollment, by the mapping, is rejected: held whatever else is so."""
    rejected = world.rejections(year)
    ours = {row.ods_id for row in mapped(world, year) if row.enrollment_id in rejected}

    return {oracle.key_of(document) for document in documents_of(world, year) if document["id"] in ours}


def documents_of(world: World, year: int) -> list[dict[str, Any]]:
    """What the ODS has of ours, as it has it."""
    documents = world.odses[year].control.documents(RESOURCE)
    return [document for document in documents if is_ours(document, world.edorg)]


def age_lists(world: World) -> None:
    """No run has seen the lists for long."""
    with world.ledger.begin() as connection:
        connection.execute(sa.update(schema.delete_list).values(seen_at=datetime(2025, 1, 1)))  # noqa: DTZ001


@contextmanager
def out_of_reach(world: World, year: int, student: str) -> Iterator[None]:
    """The student has no enrollment in the ODS within the block."""
    control = world.odses[year].control
    enrolled = [
        document
        for document in control.documents(SCHOOL_ENROLLMENTS)
        if document["studentReference"]["studentUniqueId"] == student
    ]
    for document in enrolled:
        control.delete(SCHOOL_ENROLLMENTS, document["id"])
    try:
        yield
    finally:
        own = ("id", "_etag", "_lastModifiedDate")
        back = [{name: value for name, value in document.items() if name not in own} for document in enrolled]
        control.seed({SCHOOL_ENROLLMENTS: back})


def rows_of_others(ledger: sa.Engine, target_id: str) -> dict[str, list[Any]]:
    """Every row of the ledger that is another target's; tokens are no target's."""
    own_events = f"SELECT event_id FROM {schema.event.name} WHERE target_id = '{target_id}'"
    found = {}
    with ledger.connect() as connection:
        cursor = connection.connection.cursor()  # the driver's own: twenty statements before and after each step
        for table in schema.metadata.sorted_tables:
            if table is schema.token:
                continue
            where = f"event_id NOT IN ({own_events})" if table is schema.attempt else f"target_id <> '{target_id}'"
            cursor.execute(f"SELECT * FROM {table.name} WHERE {where}")
            found[table.name] = sorted(map(repr, cursor.fetchall()))
    return found
