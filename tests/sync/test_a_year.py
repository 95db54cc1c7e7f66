# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""A year in the life of a district: a hundred students, ten in a hundred move, mistakes are made and mended.

A night's run a day, in the days on which something happens and a few on which nothing does. At each of them nothing
right is missing from the ODS, and no day is red but for the mass mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import schema
from edfi_cte.sync.report import Report
from sandbox.ods import serve
from tests.sync.campus import PROGRAM_TYPES
from tests.sync.ods_seed import descriptor, seed
from tests.sync.oracles import out_of_reach
from tests.sync.world import World

STUDENTS = 100
FIRST = datetime(2025, 8, 20)
NAMESPACE = "uri://dese.mo.gov/CTEProgramServiceDescriptor"


def student_id(person: int) -> str:
    return f"20000000{person:03}"


@pytest.fixture(scope="module")
def ods() -> Iterator[Any]:
    """An ODS with every student that the year will see."""
    documents = seed()
    [first, *_] = documents["students"]
    enrolled = documents["studentSchoolAssociations"][0]
    for person in range(1, STUDENTS + 40):
        number = {"studentUniqueId": student_id(person)}
        documents["students"].append(first | number)
        documents["studentSchoolAssociations"].append(enrolled | {"studentReference": number})
    documents["cteProgramServiceDescriptors"].append(descriptor(NAMESPACE, "99"))
    with serve(seed=documents, api="7.3") as running:
        yield running


@dataclass
class District:
    """The district's office: what it does in Campus, and the nightly run."""

    world: World
    ods: Any
    day: int = 0
    newest: int = 0

    def enroll(self, count: int, **columns: Any) -> list[int]:
        """Students who come: enrollment and person have one number."""
        numbers = list(range(self.newest + 1, self.newest + count + 1))
        self.newest += count
        for number in numbers:
            person = {"personID": number + 100, "stateID": student_id(number), "studentNumber": str(number)}
            self.world.campus.tables["Person"].append(person)
            kind = list(PROGRAM_TYPES)[number % 2]
            defaults = {"person": number + 100, "startDate": FIRST + timedelta(days=self.day)}
            self.world.campus.add(number, str(number % 16 + 1), kind, **defaults | columns)
        return numbers

    def night(self) -> Report:
        """A day passes, and the run of its night: whatever it was, what is right is there afterwards."""
        self.day += 1
        with self.world.ledger.begin() as connection:
            ago = timedelta(days=1)
            for row in connection.execute(sa.select(schema.deletion)).all():
                connection.execute(
                    sa.update(schema.deletion)
                    .where(schema.deletion.c.deletion_id == row.deletion_id)
                    .values(deleted_at=row.deleted_at - ago)
                )
        result = self.world.outcome()
        wanted, there = self.world.expected(), self.world.there()
        kept = self.world.kept_documents()
        assert {key: there.get(key) for key in wanted} == wanted
        assert there.keys() == wanted.keys() | kept.keys()
        return result


@pytest.fixture
def district(ods: Any, tmp_path: Path) -> District:
    ods.control.reset()
    return District(World({2026: ods}, tmp_path), ods)


def test_a_year(district: District):
    world, campus, random = district.world, district.world.campus, Random(7)  # noqa: S311 - no secret
    reports = [district.night()]
    district.enroll(STUDENTS)
    first_day = district.night()
    assert first_day.counts["sent"]["Post"] == STUDENTS
    reports += [first_day, *no_shows(district), *mobility(district, random), *mistakes(district)]
    assert {report.status for report in reports} == {"ok"}

    # The one mass mistake: a box is ticked, and the next morning somebody sees it.
    campus.set("Calendar", 2026, exclude=True)
    before = world.there()
    red = [district_without_oracle(district) for _ in range(2)]
    assert {report.status for report in red} == {"failed"}
    assert world.there() == before
    campus.set("Calendar", 2026, exclude=None)
    assert district.night().status == "ok"
    assert [report.status for report in islice(iter(district.night, None), 3)] == ["ok"] * 3
    assert world.there().keys() == world.expected().keys() | world.kept_documents().keys()
    assert sum(report.counts["failed"] for report in reports) == 0


def no_shows(district: District) -> list[Report]:
    """Five students never came; the state has taken two of them out of the ODS before we ask."""
    reports = []
    gone = (student_id(1), student_id(2))
    with out_of_reach(district.world, 2026, gone[0]), out_of_reach(district.world, 2026, gone[1]):
        for number in range(1, 6):
            district.world.campus.set("Enrollment", number, noShow=True)
        reports += [district.night() for _ in range(8)]
        assert reports[-1].counts["out of the key's reach"] == {"no_show": 2}
    reports += [district.night(), district.night()]
    assert district.world.kept() == {}
    return reports


def mobility(district: District, random: Random) -> list[Report]:
    """Ten in a hundred leave or come, a few a day; some change their program, or are enrolled anew."""
    reports = []
    for _ in range(5):
        district.enroll(2)
        leaving = random.sample(range(20, 60), 2)
        for number in leaving:
            if any(row["enrollmentID"] == number for row in district.world.campus.tables["Enrollment"]):
                district.world.campus.remove(number)
        changing = random.choice(range(70, STUDENTS))
        district.world.campus.set("EnrollmentMO", changing, cteProgramType=random.choice(list(PROGRAM_TYPES)))
        reports.append(district.night())
    return reports


def mistakes(district: District) -> list[Report]:
    """A label is lost, a cluster has no mapping, a State ID is missing: all for a few days, and all are held."""
    world, campus = district.world, district.world.campus
    labels = campus.tables["CampusDictionary"]
    campus.tables["CampusDictionary"] = labels[1:]
    reports = [district.night(), district.night()]
    assert reports[-1].counts["held for"]["program_name_missing"] > 30
    campus.tables["CampusDictionary"] = labels
    campus.set("EnrollmentMO", 61, careerCluster="99")
    campus.set("Person", 162, stateID=None)
    reports.append(district.night())
    assert reports[-1].counts["held for"] == {"career_cluster_unmapped": 1, "student_id_missing": 1}
    world.settings["preferences"]["default"] = {"career_cluster": {"mapping": {"99": f"{NAMESPACE}#99"}}}
    campus.set("Person", 162, stateID=student_id(62))
    reports.append(district.night())
    assert world.kept() == {}
    return reports


def district_without_oracle(district: District) -> Report:
    """A night on which the oracle, which knows no mistakes, would have everything go."""
    result = district.world.outcome()
    assert {row.state for row in district.world.kept_documents().values()} == {"waiting"}
    return result
