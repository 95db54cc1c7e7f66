# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""The contract under random edits: after each run the ODS equals what a naive oracle derives from Campus.

``EDFI_CTE_MODEL_SEQUENCES=5000 make test ARGS=tests/sync/test_model.py`` tries more than CI's 300.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from edfi_cte.errors import EdfiCteError
from edfi_cte.sync.lane import SHARED_STEPS, Shard, StepFailed, StepSkipped
from edfi_cte.sync.report import Report, report
from edfi_cte.sync.steps import STEPS, run_step
from tests.sync import oracles
from tests.sync.campus import PROGRAM_TYPES, STUDENTS, YEARS
from tests.sync.mishaps import Died, mishaps
from tests.sync.world import RESOURCE, World, counting_writes

MEMORY = Path("/dev/shm")  # noqa: S108 - where it exists, thousands of small ledgers need no disk
ON_DEMAND = "EDFI_CTE_MODEL_SEQUENCES" in os.environ
SEQUENCES = int(os.environ.get("EDFI_CTE_MODEL_SEQUENCES", "300"))

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


class Sync(RuleBasedStateMachine):
    """Edits of Campus, of the ODS and of the settings, and runs between them."""

    new_world: ClassVar[Callable[[Path], World]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.world = type(self).new_world(self.folder)
        # The guard's numbers have tests of their own; here a person's word is for first contacts and last records.
        self.world.settings["guards"] = {"max_delete_fraction": 1, "max_delete_count": 1000}
        self.campus = self.world.campus
        self.number = 0
        self.broken: dict[int, tuple[str, int, bool]] = {}
        self.needs_resync: set[int] = set()

    def teardown(self) -> None:
        try:
            for target in self.world.settings["targets"]:
                target["enabled"] = True
            for year in self.world.odses:
                self.check(year)
        finally:
            self.world.ledger.dispose()
            shutil.rmtree(self.folder)

    @initialize(count=st.integers(2, 5), data=st.data())
    def begin(self, count: int, data: st.DataObject) -> None:
        for _ in range(count):
            kind = data.draw(st.sampled_from(list(PROGRAM_TYPES)))
            self.insert("8", kind, data.draw(years), data.draw(persons), "P", data.draw(starts), None)
        for year in self.world.odses:
            assert self.world.run(year).status == "ok"
        self.first_contact: set[int] = set()

    @rule(cluster=clusters, kind=kinds, year=years, person=persons, service=services, start=starts, end=ends)
    def insert(self, cluster: Any, kind: Any, year: int, person: int, service: Any, start: Any, end: Any) -> None:
        self.number += 1
        self.campus.add(
            self.number, cluster, kind, year=year, person=person, serviceType=service, startDate=start, endDate=end
        )

    def some(self, index: int) -> int:
        rows = self.campus.tables["EnrollmentMO"]
        return int(rows[index % len(rows)]["enrollmentID"])

    @precondition(lambda self: self.campus.tables["EnrollmentMO"])
    @rule(index=indexes)
    def delete(self, index: int) -> None:
        self.campus.remove(self.some(index))

    @precondition(lambda self: self.campus.tables["EnrollmentMO"])
    @rule(
        index=indexes,
        column=st.sampled_from(["startDate", "endDate", "serviceType", "noShow", "personID"]),
        data=st.data(),
    )
    def change_enrollment(self, index: int, column: str, data: st.DataObject) -> None:
        values = {"startDate": starts, "endDate": ends, "serviceType": services, "noShow": flags, "personID": persons}
        self.campus.set("Enrollment", self.some(index), **{column: data.draw(values[column])})

    @precondition(lambda self: self.campus.tables["EnrollmentMO"])
    @rule(index=indexes, cluster=clusters, kind=kinds)
    def change_missouri_fields(self, index: int, cluster: Any, kind: Any) -> None:
        self.campus.set("EnrollmentMO", self.some(index), careerCluster=cluster, cteProgramType=kind)

    @precondition(lambda self: len(self.campus.tables["EnrollmentMO"]) > 1)
    @rule(first=indexes, second=indexes, third=indexes)
    def rotate_keys(self, first: int, second: int, third: int) -> None:
        rows = [self.campus.row("Enrollment", self.some(index)) for index in dict.fromkeys((first, second, third))]
        held = [(row["personID"], row["startDate"]) for row in rows]
        for row, (person, start) in zip(rows, held[1:] + held[:1], strict=True):
            row |= {"personID": person, "startDate": start}

    @rule(person=persons, number=st.sampled_from([*STUDENTS, None]))
    def reassign_student_id(self, person: int, number: int | None) -> None:
        self.campus.set("Person", person, stateID=STUDENTS[number] if number else None)

    @rule(year=years, flag=flags)
    def exclude_calendar(self, year: int, flag: Any) -> None:
        self.campus.set("Calendar", year, exclude=flag)

    @rule(flag=flags)
    def exclude_school(self, flag: Any) -> None:
        self.campus.set("School", 1, exclude=flag)

    @rule(preferences=st.sampled_from(PREFERENCES))
    def change_preferences(self, preferences: dict[str, Any]) -> None:
        self.world.settings["preferences"]["default"] = preferences

    @rule(index=indexes, enabled=st.booleans())
    def toggle(self, index: int, enabled: bool) -> None:
        targets = self.world.settings["targets"]
        targets[index % len(targets)]["enabled"] = enabled

    @rule()
    def lose_ledger(self) -> None:
        self.world.lose_ledger()
        self.needs_resync |= {*self.world.odses}
        self.first_contact |= {*self.world.odses}

    @rule(turn=indexes, index=indexes, what=st.sampled_from(["edit", "delete", "add"]))
    def edit_by_hand_in_the_ods(self, turn: int, index: int, what: str) -> None:
        self.needs_resync.add(self.year(turn))
        control = self.world.odses[self.year(turn)].control
        documents = sorted(control.documents(RESOURCE), key=lambda document: document["id"])
        if not documents:
            return
        document = documents[index % len(documents)]
        if what == "delete":
            control.delete(RESOURCE, document["id"])
            return
        own = {name: value for name, value in document.items() if name not in ("id", "_etag", "_lastModifiedDate")}
        moved = (datetime.fromisoformat(own["beginDate"]) + timedelta(days=1)).date().isoformat()
        control.put(RESOURCE, own | ({"endDate": "2026-02-02"} if what == "edit" else {"beginDate": moved}))

    def year(self, turn: int) -> int:
        """One of the configured years."""
        return list(self.world.odses)[turn % len(self.world.odses)]

    @rule(turn=indexes)
    def sync(self, turn: int) -> None:
        self.check(self.year(turn))

    @rule(turn=indexes)
    def dry_run(self, turn: int) -> None:
        year = self.year(turn)
        with counting_writes(self.world.odses[year]) as counted:
            self.world.outcome(year, dry_run=True)
        assert counted == [0]

    @rule(
        turn=indexes,
        seed=st.integers(0, 10**6),
        last=st.integers(4, len(STEPS)),
        resync=flags,
        reported=flags,
        two=st.booleans(),
    )
    def broken_run(self, turn: int, seed: int, last: int, resync: Any, reported: Any, two: bool) -> None:
        """A run whose writes go wrong, whose sending two tasks may share, and that may end before its last step."""
        self.world.runs += 1
        year, run_id = self.year(turn), f"broken {self.world.runs}"
        with mishaps(seed):
            done = self.tasks(year, run_id, list(STEPS)[:last], resync=bool(resync), reported=bool(reported), two=two)
        self.broken[year] = (run_id, min(done, len(STEPS) - 1), bool(resync))

    @precondition(lambda self: self.broken)
    @rule(
        turn=indexes,
        first=st.integers(0, len(STEPS) - 1),
        seed=st.integers(0, 10**6),
        share=st.sampled_from([0, 0.3]),
    )
    def clear_tasks_of_a_broken_run(self, turn: int, first: int, seed: int, share: float) -> None:
        """Its tasks run again, from the one that failed or an earlier one on; anything may have changed since."""
        year = list(self.broken)[turn % len(self.broken)]
        run_id, failed, resync = self.broken[year]
        with mishaps(seed, share):
            self.tasks(year, run_id, list(STEPS)[min(first, failed) :], resync=resync, reported=True)

    def note_first_contact(self, year: int) -> None:
        """A run is about to meet an ODS of which the ledger knows no record."""
        if not oracles.mapped(self.world, year):
            self.first_contact.add(year)

    def tasks(
        self, year: int, run_id: str, steps: list[str], *, resync: bool, reported: bool, two: bool = False
    ) -> int:
        """Tasks of a run, one after the other until one fails; how many have ended."""
        ended = 0
        self.note_first_contact(year)
        with counting_writes(self.world.odses[year]) as counted:
            for step in steps:
                try:
                    self.task(year, run_id, step, resync=resync, two=two and step in SHARED_STEPS)
                except StepSkipped:
                    pass
                except (EdfiCteError, Died):
                    break
                ended += 1
        [target] = [t for t in self.world.settings["targets"] if t["scope_year"] == year]
        if not target.get("enabled", True):
            assert counted == [0]
        if reported:
            result = report(self.world.lane(year, run_id, resync=resync))
            if result.status == "ok":
                assert ended == len(steps)
                self.check_ok(year, result, read_now="extract" in steps, resync=resync)
        self.world.let_leases_run_out()
        return ended

    def task(self, year: int, run_id: str, step: str, *, resync: bool, two: bool) -> None:
        """One task, or two side by side that share the step."""
        lanes = [
            replace(self.world.lane(year, run_id, resync=resync), shard=Shard(index, 1 + two))
            for index in range(1 + two)
        ]
        with ThreadPoolExecutor(len(lanes)) as threads:
            for done in [threads.submit(run_step, lane, step) for lane in lanes]:
                done.result()

    def check_ok(self, year: int, result: Report, *, read_now: bool, resync: bool) -> None:
        """A run says ok only of what is so, but for single failures, and for what only a resync can know."""
        if read_now and not result.counts["failed"] and (resync or year not in self.needs_resync):
            oracles.compare(self.world, year)

    def check(self, year: int) -> None:
        ods = self.world.odses[year]
        before = self.world.there(year)
        stays = oracles.must_stay(self.world, year)
        self.note_first_contact(year)
        with counting_writes(ods) as counted:
            result = self.world.outcome(year, resync=year in self.needs_resync)
        if result.status == "off":
            assert counted == [0]
            assert self.world.there(year) == before
            return
        kept = oracles.compare(self.world, year)
        assert stays <= self.world.there(year).keys()
        reasons = {row.reason for row in kept.values() if row.state == "waiting"}
        assert (result.status == "failed") == bool(reasons & {"last_records", "empty_extract"})
        assert "first_contact" not in reasons or year in self.first_contact
        self.needs_resync.discard(year)
        with counting_writes(ods) as counted:
            again = self.world.outcome(year)
        assert counted == [0]
        assert again.counts["planned"] == {}

    @rule(
        turn=indexes,
        word=st.sampled_from(["right", "stale", "another target's"]),
        state=st.sampled_from(["waiting", "held"]),
    )
    def approve(self, turn: int, word: str, state: str) -> None:
        """A person's word, for the newest list: it reaches what is on it, if it is that target's, and fresh."""
        year = self.year(turn)
        self.check(year)
        kept = {key for key, row in self.world.kept_documents(year).items() if row.state == state}
        [target] = [t for t in self.world.settings["targets"] if t["scope_year"] == year]
        if not kept or not target.get("enabled", True):
            return
        list_id, before = self.world.list_id(state, year), self.world.there(year)
        if word == "right":
            self.world.outcome(year, approve=list_id)
            assert self.world.there(year).keys() == before.keys() - kept
            return
        if word == "stale":
            oracles.age_lists(self.world)
            with pytest.raises(StepFailed, match="too long ago"):
                self.world.run(year, approve=list_id)
        else:
            self.world.outcome(year, approve=f"999999-{list_id}")
        assert self.world.there(year) == before

    @rule(turn=indexes, person=persons)
    def leave_the_keys_reach(self, turn: int, person: int) -> None:
        """A student's enrollment leaves the ODS: our deletes are refused, and nothing fails; then it is back."""
        year = self.year(turn)
        self.note_first_contact(year)
        with oracles.out_of_reach(self.world, year, STUDENTS[person]):
            result = self.world.outcome(year)
            assert set(result.counts.get("failed for", {})) <= {"not_yet_enrolled"}
            deletes = self.world.in_ledger("SELECT status FROM edfi_cte_event WHERE action = 'Delete'")
            assert ("failed",) not in deletes or self.broken
        self.world.outcome(year)
        self.needs_resync.add(year)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("configured", [(2026,), (2025,), YEARS], ids=["2026", "2025", "both years"])
def test_the_ods_equals_the_oracle_after_any_sequence(sandboxes: dict[int, Any], configured: tuple[int, ...]):
    odses = {year: sandboxes[year] for year in configured}

    def new_world(folder: Path) -> World:
        for ods in odses.values():
            ods.control.reset()
        return World(odses, folder)

    class OnTheseServers(Sync):
        pass

    OnTheseServers.new_world = staticmethod(new_world)
    run_state_machine_as_test(
        OnTheseServers,
        settings=settings(
            max_examples=-(-SEQUENCES // 3),
            stateful_step_count=8,
            deadline=None,
            derandomize=not ON_DEMAND,
            # A failure is made small on demand; in CI that would only take long.
            phases=list(Phase) if ON_DEMAND else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
