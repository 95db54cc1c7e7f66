# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""What may happen between the runs of a history: edits of Campus, of the ODS and of the settings, a lost ledger."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sandbox import oracle
from tests.sync import oracles
from tests.sync.campus import PROGRAM_TYPES, STUDENTS, YEARS, Campus
from tests.sync.sides import Side
from tests.sync.world import RESOURCE, World

persons = st.integers(1, 4)
clusters = st.sampled_from(["8", "5", "04", " 8 ", "77", "", None])
kinds = st.sampled_from([*PROGRAM_TYPES, "0410", "9999", " ", None])
years = st.sampled_from(YEARS)
flags = st.sampled_from([True, False, None])
starts = st.sampled_from(
    [datetime(2025, 8, 20), datetime(2025, 8, 20, 13, 5), datetime(2025, 9, 2), datetime(2024, 8, 20)]
)
ends = st.sampled_from(
    [None, datetime(2025, 6, 30), datetime(2025, 7, 1), datetime(2026, 5, 1), datetime(2025, 8, 19)]
)
dates = st.tuples(starts, ends)
services = st.sampled_from(["P", "S", "N", None])
indexes = st.integers(0, 20)
PREFERENCES: list[dict[str, Any]] = [
    {},
    {"send_end_date": True},
    {"career_cluster_change": "put"},
    {"program_name": {"mapping": {"0410": "Agriculture"}}},
    {"program_name": {"mapping": {"0410": "AGRICULTURAL EDUCATION"}}},
    {"career_cluster": {"mapping": {"8": "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science"}}},
    {"career_cluster": {"mapping": {"77": "uri://dese.mo.gov/CTEProgramServiceDescriptor#5"}}},
]


class Edits(RuleBasedStateMachine):
    """The targets of a deployment, and what happens to them."""

    new_world: ClassVar[Callable[[], World]]
    districts: ClassVar[tuple[str, ...]] = ()
    """Neighbours of the first one, in the same ODSes and ledger, with a Campus each of equal ids."""
    servers: ClassVar[tuple[Any, ...]]
    """All ODSes that a connection may lead to."""

    def __init__(self) -> None:
        super().__init__()
        world = type(self).new_world()
        # The guard's numbers have tests of their own; here a person's word is for first contacts and last records.
        world.settings["guards"] = {"max_delete_fraction": 1, "max_delete_count": 1000}
        self.worlds = [world, *(world.neighbour(district) for district in self.districts)]
        alone = len(self.worlds) * len(world.odses) == 1
        self.sides = [Side(own, year, alone=alone) for own in self.worlds for year in own.odses]
        self.settings = world.settings
        self.number = self.runs = 0

    def teardown(self) -> None:
        for side in self.sides:
            side.settings["enabled"] = True
        for side in self.sides:
            side.check()

    def campus(self, turn: int) -> Campus:
        """That of one of the districts."""
        return self.worlds[turn % len(self.worlds)].campus

    def side(self, turn: int) -> Side:
        """One of the targets."""
        return self.sides[turn % len(self.sides)]

    def run_id(self) -> str:
        """Of a new run; two targets that run side by side have the same, as in a DAG."""
        self.runs += 1
        return f"model {self.runs}"

    @initialize(count=st.integers(2, 5), data=st.data())
    def begin(self, count: int, data: st.DataObject) -> None:
        for turn in range(len(self.worlds)):
            self.number = 0
            for _ in range(count):
                kind = data.draw(st.sampled_from(list(PROGRAM_TYPES)))
                year, person = data.draw(years), data.draw(persons)
                self.insert(turn, "8", kind, year, person, "P", (data.draw(starts), None))
        for side in self.sides:
            assert side.outcome().status == "ok"

    @rule(turn=indexes, cluster=clusters, kind=kinds, year=years, person=persons, service=services, dates=dates)
    def insert(
        self, turn: int, cluster: Any, kind: Any, year: int, person: int, service: Any, dates: tuple[Any, Any]
    ) -> None:
        self.number += 1
        columns = {"year": year, "person": person, "serviceType": service}
        self.campus(turn).add(self.number, cluster, kind, **columns, startDate=dates[0], endDate=dates[1])

    def some(self, turn: int, index: int) -> int | None:
        """One of the career-technical enrollments of a Campus that has any."""
        rows = self.campus(turn).tables["EnrollmentMO"]
        return int(rows[index % len(rows)]["enrollmentID"]) if rows else None

    @rule(turn=indexes, index=indexes)
    def delete(self, turn: int, index: int) -> None:
        if (number := self.some(turn, index)) is not None:
            self.campus(turn).remove(number)

    @rule(
        turn=indexes,
        index=indexes,
        column=st.sampled_from(["startDate", "endDate", "serviceType", "noShow", "personID"]),
        data=st.data(),
    )
    def change_enrollment(self, turn: int, index: int, column: str, data: st.DataObject) -> None:
        values = {"startDate": starts, "endDate": ends, "serviceType": services, "noShow": flags, "personID": persons}
        value = data.draw(values[column])
        if (number := self.some(turn, index)) is not None:
            self.campus(turn).set("Enrollment", number, **{column: value})

    @rule(turn=indexes, index=indexes, cluster=clusters, kind=kinds)
    def change_missouri_fields(self, turn: int, index: int, cluster: Any, kind: Any) -> None:
        if (number := self.some(turn, index)) is not None:
            self.campus(turn).set("EnrollmentMO", number, careerCluster=cluster, cteProgramType=kind)

    @rule(turn=indexes, places=st.tuples(indexes, indexes, indexes))
    def rotate_keys(self, turn: int, places: tuple[int, int, int]) -> None:
        numbers = dict.fromkeys(self.some(turn, index) for index in places)
        rows = [self.campus(turn).row("Enrollment", number) for number in numbers if number is not None]
        held = [(row["personID"], row["startDate"]) for row in rows]
        for row, (person, start) in zip(rows, held[1:] + held[:1], strict=True):
            row |= {"personID": person, "startDate": start}

    @rule(turn=indexes, person=persons, number=st.sampled_from([*STUDENTS, None]))
    def reassign_student_id(self, turn: int, person: int, number: int | None) -> None:
        self.campus(turn).set("Person", person, stateID=STUDENTS[number] if number else None)

    @rule(turn=indexes, year=years, flag=flags)
    def exclude_calendar(self, turn: int, year: int, flag: Any) -> None:
        self.campus(turn).set("Calendar", year, exclude=flag)

    @rule(turn=indexes, flag=flags)
    def exclude_school(self, turn: int, flag: Any) -> None:
        self.campus(turn).set("School", 1, exclude=flag)

    @rule(preferences=st.sampled_from(PREFERENCES))
    def change_preferences(self, preferences: dict[str, Any]) -> None:
        self.settings["preferences"]["default"] = preferences

    @rule(turn=indexes, enabled=st.booleans())
    def toggle(self, turn: int, enabled: bool) -> None:
        self.side(turn).settings["enabled"] = enabled

    @rule()
    def lose_ledger(self) -> None:
        self.worlds[0].lose_ledger()
        for side in self.sides:
            side.forgotten()

    @rule(turn=indexes, index=indexes, what=st.sampled_from(["edit", "delete", "add"]))
    def edit_by_hand_in_the_ods(self, turn: int, index: int, what: str) -> None:
        side = self.side(turn)
        side.needs_resync = True
        documents = sorted(oracles.documents_of(side.world, side.year), key=oracle.key_of)
        if not documents:
            return
        document, control = documents[index % len(documents)], side.ods.control
        if what == "delete":
            control.delete(RESOURCE, document["id"])
            return
        own = {name: value for name, value in document.items() if name not in ("id", "_etag", "_lastModifiedDate")}
        moved = (datetime.fromisoformat(own["beginDate"]) + timedelta(days=1)).date().isoformat()
        control.put(RESOURCE, own | ({"endDate": "2026-02-02"} if what == "edit" else {"beginDate": moved}))
