"""Students whom the ODS doesn't know, hasn't enrolled yet, has no more, or calls otherwise: on every kind of API."""

# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from edfi_cte.ods.errors import NotYetEnrolled, StudentUnknown
from edfi_cte.sync.report import Report
from sandbox.ods import serve
from tests.sync.campus import STUDENTS
from tests.sync.ods_seed import seed
from tests.sync.world import RESOURCE, World

APIS = ("5.3", "6.2", "7.1", "7.3", "dms")
RENAMING = ("5.3", "6.2")
"""ODS/API up to 6.x lets a student's id be changed in place."""
ENROLLMENTS = "studentSchoolAssociations"
NOBODY = "9999999999"


@pytest.fixture(scope="module")
def apis() -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:

        class Apis(dict[str, Any]):
            def __missing__(self, api: str) -> Any:
                self[api] = stack.enter_context(serve(seed=seed(), api=api))
                return self[api]

        yield Apis()


@pytest.fixture
def place(request: pytest.FixtureRequest, apis: dict[str, Any], tmp_path: Path) -> World:
    """A world with one year, on an API of the kind asked for, and three records to send."""
    ods = apis[request.param]
    ods.control.reset()
    world = World({2026: ods}, tmp_path)
    for number in (1, 2, 3):
        world.campus.add(number, person=number)
    return world


def without_enrollment(world: World, person: int) -> list[dict[str, Any]]:
    """Takes a student's enrollments out of the ODS; what was taken."""
    control = world.odses[2026].control
    mine = [d for d in control.documents(ENROLLMENTS) if d["studentReference"]["studentUniqueId"] == STUDENTS[person]]
    for document in mine:
        control.delete(ENROLLMENTS, document["id"])
    return mine


def enroll(world: World, documents: list[dict[str, Any]]) -> None:
    world.odses[2026].control.seed({ENROLLMENTS: documents})


def words(report: Report) -> dict[str, str]:
    """What the report says of failures: the type, and the beginning of its advice that every API shares."""
    kinds = {kind.type: kind for kind in (NotYetEnrolled, StudentUnknown)}
    told = {}
    for name in report.counts["failed for"]:
        assert report.advice[name].startswith(kinds[name].default_advice)
        told[name] = report.advice[name].removeprefix(kinds[name].default_advice).strip()
    return told


LEFT_OPEN = {
    "5.3": "Or the education organization is not the key's: the API does not say.",
    "7.3": "Or it does not exist there at all: the API does not say.",
}


@pytest.mark.parametrize(("place", "api"), [(api, api) for api in APIS], indirect=["place"])
def test_a_student_who_is_not_enrolled_yet(place: World, api: str) -> None:
    taken = without_enrollment(place, 1)
    report = place.run()
    assert report.counts["failed for"] == {"not_yet_enrolled": 1}
    assert words(report) == {"not_yet_enrolled": LEFT_OPEN.get(api, "")}
    assert len(place.there()) == 2
    enroll(place, taken)
    assert place.run().counts["failed for"] == {}
    assert place.there() == place.expected()


@pytest.mark.parametrize(("place", "api"), [(api, api) for api in APIS], indirect=["place"])
def test_a_student_whom_the_ods_does_not_know(place: World, api: str) -> None:
    place.campus.set("Person", 1, stateID=NOBODY)
    report = place.run()
    # 7.1 says "either … or", and 7.3 answers as for one who is not enrolled.
    name = "not_yet_enrolled" if api in ("7.1", "7.3") else "student_unknown"
    assert report.counts["failed for"] == {name: 1}
    assert ("does not exist there at all" in words(report)[name]) == (api in ("7.1", "7.3"))
    assert len(place.there()) == 2


@pytest.mark.parametrize(("place", "api"), [(api, api) for api in APIS], indirect=["place"])
def test_a_student_who_moved_away(place: World, api: str) -> None:
    """The enrollment is another district's by now; what we sent can be neither read nor written."""
    place.run()
    taken = without_enrollment(place, 1)
    place.campus.set("EnrollmentMO", 1, careerCluster="7")
    report = place.run()
    assert report.counts["failed for"] == {"not_yet_enrolled": 1}
    assert words(report) == {"not_yet_enrolled": LEFT_OPEN.get(api, "")}
    assert report.counts["resync found"]["out_of_reach"] == 1
    enroll(place, taken)
    place.run()
    assert place.there() == place.expected()


# Another id for a student


def rename(world: World, person: int, name: str) -> None:
    """Gives a student another studentUniqueId by a PUT, as the state does."""
    ods = world.odses[2026]
    [student] = [d for d in ods.control.documents("students") if d["studentUniqueId"] == STUDENTS[person]]
    client = world.lane().open_ods()

    async def put() -> None:
        async with client:
            await client.put("students", student["id"], {**student, "studentUniqueId": name})

    asyncio.run(put())


@pytest.mark.parametrize("place", RENAMING, indirect=True)
def test_a_student_renamed_in_the_ods_and_in_campus(place: World) -> None:
    """Our mapping has the records under the old id, the ODS under the new one: they end there once, and known."""
    place.campus.add(4, person=1, startDate=datetime(2025, 10, 1))
    place.run()
    rename(place, 1, "R1")
    place.campus.set("Person", 1, stateID="R1")
    place.run()
    assert place.there() == place.expected()
    mapped = place.in_ledger("SELECT student_unique_id FROM edfi_cte_identity_mapping ORDER BY 1")
    assert [student for (student,) in mapped].count("R1") == 2
    again = place.run()
    assert sum(again.counts["sent"].values()) == 0
    assert place.there() == place.expected()


@pytest.mark.parametrize("place", RENAMING, indirect=True)
def test_a_student_renamed_in_the_ods_alone(place: World) -> None:
    """Until Campus follows, the record stays in the ODS as it is: not lost, not doubled."""
    place.run()
    before = {d["id"] for d in place.odses[2026].control.documents(RESOURCE)}
    rename(place, 1, "R1")
    place.run()
    assert {d["id"] for d in place.odses[2026].control.documents(RESOURCE)} == before
    assert len(place.there()) == 3
    place.campus.set("Person", 1, stateID="R1")
    place.run()
    assert place.there() == place.expected()
