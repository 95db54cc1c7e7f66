"""The contract under random edits: after each run the ODS equals what a naive oracle derives from Campus.

A history edits Campus, the ODS and the settings, loses the ledger, has connections lead elsewhere, and runs whose
requests are carried out or not, answered or not, whose processes die, and whose steps interleave with another
target's. CI's are the same each time. ``EDFI_CTE_MODEL_SEQUENCES=10000 make test ARGS=tests/sync/test_model.py``
draws so many anew, on SQLite; ``EDFI_CTE_MODEL_POSTGRES_SEQUENCES=1000`` so many on PostgreSQL.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from edfi_cte.ledger import addresses, forgetting
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.schema import metadata
from edfi_cte.sync.lane import StepFailed
from edfi_cte.sync.steps import STEPS
from sandbox.ods import serve
from tests.postgres import empty_database
from tests.sync import oracles
from tests.sync.campus import STUDENTS, YEARS
from tests.sync.edits import Edits, flags, indexes, persons
from tests.sync.mishaps import mishaps
from tests.sync.ods_seed import seed
from tests.sync.sides import Side
from tests.sync.world import World, client_of, counting_writes

IN_CI = {"SEQUENCES": 300, "POSTGRES_SEQUENCES": 8}
ON_DEMAND = {
    name: int(os.environ[variable]) for name in IN_CI if (variable := f"EDFI_CTE_MODEL_{name}") in os.environ
}
MEMORY = Path("/dev/shm")  # noqa: S108 - where it exists, a ledger that is emptied thousands of times needs no disk
NEIGHBOUR = "050001"


class Sync(Edits):
    """Runs of all kinds between the edits."""

    @rule(turn=indexes)
    def sync(self, turn: int) -> None:
        self.side(turn).check()

    @rule(turn=indexes)
    def dry_run(self, turn: int) -> None:
        self.side(turn).writes_nothing(dry_run=True)

    @rule(
        turn=indexes,
        chance=st.integers(0, 10**6),
        last=st.integers(4, len(STEPS)),
        resync=flags,
        reported=flags,
        two=st.booleans(),
    )
    def broken_run(self, turn: int, chance: int, last: int, resync: Any, reported: Any, two: bool) -> None:
        """A run whose writes go wrong, whose sending two tasks may share, and that may end before its last step."""
        side, run_id = self.side(turn), self.run_id()
        done = 0
        with mishaps(chance):
            for done in side.tasks(  # noqa: B007 - the last one is what counts
                run_id, list(STEPS)[:last], resync=bool(resync), reported=bool(reported), two=two
            ):
                pass
        side.broken = (run_id, min(done, len(STEPS) - 1), bool(resync))

    @precondition(lambda self: any(side.broken for side in self.sides))
    @rule(
        turn=indexes,
        first=st.integers(0, len(STEPS) - 1),
        chance=st.integers(0, 10**6),
        share=st.sampled_from([0, 0.3]),
        two=st.booleans(),
    )
    def clear_tasks_of_a_broken_run(self, turn: int, first: int, chance: int, share: float, two: bool) -> None:
        """Its tasks run again, from the one that failed or an earlier one on; anything may have changed since."""
        broken = [side for side in self.sides if side.broken]
        with mishaps(chance, share):
            _clear(broken[turn % len(broken)], first, two=two)

    @precondition(lambda self: len(self.sides) > 1)
    @rule(
        turn=indexes,
        chance=st.integers(0, 10**6),
        share=st.sampled_from([0, 0.3]),
        late=st.integers(0, len(STEPS)),
        resyncs=st.tuples(flags, flags),
    )
    def side_by_side(self, turn: int, chance: int, share: float, late: int, resyncs: tuple[Any, Any]) -> None:
        """Runs of two targets of one name, whose steps come by turns: a step of one touches no row of the other."""
        run_id = self.run_id()
        pair = [self.side(turn), self.side(turn + 1)]
        with mishaps(chance, share):
            first, second = (
                side.tasks(run_id, list(STEPS), resync=bool(resync), reported=True)
                for side, resync in zip(pair, resyncs, strict=True)
            )
            for _ in range(late):
                next(first, None)
            for _ in zip_longest(first, second):
                pass

    @precondition(lambda self: len(self.sides) > 1)
    @rule(turn=indexes, resync=st.booleans())
    def at_once(self, turn: int, resync: bool) -> None:
        """Runs of two targets at the same time."""
        pair = [side for side in (self.side(turn), self.side(turn + 1)) if side.enabled]
        for side in pair:
            side.note_first_contact()
        with ThreadPoolExecutor(2) as threads:
            runs = [threads.submit(side.world.outcome, side.year, resync=resync) for side in pair]
        for side, run in zip(pair, runs, strict=True):
            side.check_ok(run.result(), read_now=True, resync=resync)

    @rule(
        turn=indexes,
        word=st.sampled_from(["right", "stale", "another target's"]),
        state=st.sampled_from(["waiting", "held"]),
    )
    def approve(self, turn: int, word: str, state: str) -> None:
        """A person's word, for the newest list: it reaches what is on it, if it is that target's, and fresh."""
        side = self.side(turn)
        side.check(twice=False)
        kept = {key for key, row in side.world.kept_documents(side.year).items() if row.state == state}
        if not kept or not side.enabled:
            return
        list_id, before = side.world.list_id(state, side.year), side.there()
        if word == "right":
            side.outcome(approve=list_id)
            assert side.there().keys() == before.keys() - kept
            return
        if word == "stale":
            oracles.age_lists(side.world)
            with pytest.raises(StepFailed, match="too long ago"):
                side.world.run(side.year, approve=list_id)
        else:
            side.outcome(approve=f"999999-{list_id}")
        assert side.there() == before

    @rule(turn=indexes, person=persons)
    def leave_the_keys_reach(self, turn: int, person: int) -> None:
        """A student's enrollment leaves the ODS: our deletes are refused, and nothing fails; then it is back."""
        side = self.side(turn)
        side.note_first_contact()
        with oracles.out_of_reach(side.world, side.year, STUDENTS[person]):
            result = side.outcome()
            assert set(result.counts.get("failed for", {})) <= {"not_yet_enrolled"}
            deletes = side.world.in_ledger(
                f"SELECT status FROM edfi_cte_event WHERE action = 'Delete' AND target_id = '{side.target_id}'"
            )
            assert ("failed",) not in deletes or side.broken
        side.outcome()
        side.needs_resync = True

    @rule(turn=indexes, where=st.sampled_from(["new name", "another ODS"]), mistake=st.booleans(), first=indexes)
    def lead_elsewhere(self, turn: int, where: str, mistake: bool, first: int) -> None:
        """A connection is edited. Nothing is sent where the mapping was not made, until a person says which it is."""
        side = self.side(turn)
        if not side.enabled:
            return
        before, mapped = side.ods, side.mapped()
        side.world.odses[side.year] = _renamed(before) if where == "new name" else self.another_ods(side)
        said = _refusal(side, first) if mapped else ""
        if mistake:
            side.world.odses[side.year] = before
        elif not mapped:
            side.forgotten()
        elif where == "new name":
            with side.world.ledger.begin() as connection:
                connection.execute(sa.text(said.split("database: ")[1].split(" If it is another")[0]))
        else:
            forgetting.forget(side.world.ledger, said.rpartition("edfi-cte forget ")[2])
            side.forgotten()
        side.check(twice=False)

    def another_ods(self, side: Side) -> Any:
        """An ODS that no target of the same education organization sends to."""
        taken = {other.ods.control for other in self.sides if other.world.edorg == side.world.edorg}
        return next(ods for ods in self.servers if ods.control not in taken)

    @precondition(lambda self: len(self.sides) > len(self.worlds))
    @rule(turn=indexes)
    def lead_to_anothers_address(self, turn: int) -> None:
        """The connection leads to another target's ODS, by mistake: nothing is sent there."""
        side, other = self.side(turn), self.side(turn + 1)
        if not side.enabled:
            return
        with side.world.ledger.connect() as connection:
            if addresses.of_target(connection, other.target_id) is None:
                return
        before = side.ods
        side.world.odses[side.year] = other.ods
        _refusal(side, 0)
        side.world.odses[side.year] = before
        side.check(twice=False)

    @rule(turn=indexes, same_edorg=st.booleans())
    def rename_the_district(self, turn: int, same_edorg: bool) -> None:
        """The settings name a district by a new number, with its old connection: nothing is sent."""
        side = self.side(turn)
        if not side.enabled or not side.mapped():
            return
        own, number = side.settings, "070007"
        before = dict(own)
        edorg = side.world.edorg if same_edorg else None
        own.update(district_number=number, education_organization_id=edorg)
        side.world.campus.set("District", 1, number=number)
        side.world.district = number
        with counting_writes(side.ods) as counted, pytest.raises(StepFailed, match=r"no(w| longer) name"):
            side.world.run(side.year)
        assert counted == [0]
        side.world.district = before["district_number"]
        side.world.campus.set("District", 1, number=side.world.district)
        own.clear()
        own.update(before)
        side.check(twice=False)


def _clear(side: Side, first: int, *, two: bool = False) -> None:
    """The tasks of its broken run, from the failed one or an earlier one on."""
    assert side.broken is not None
    run_id, failed, resync = side.broken
    for _ in side.tasks(run_id, list(STEPS)[min(first, failed) :], resync=resync, reported=True, two=two):
        pass


def _refusal(side: Side, first: int) -> str:
    """What a run is refused with whose connection leads where it must not; neither it nor an older one writes."""
    there = side.documents()
    with counting_writes(side.ods) as counted:
        if side.broken:
            _clear(side, first)
        with pytest.raises(StepFailed, match="leads to") as refused:
            side.world.run(side.year)
    assert counted == [0]
    assert side.documents() == there
    return str(refused.value)


def _renamed(ods: Any) -> Any:
    """The same ODS by another name of its host."""
    names = ("127.0.0.1", "localhost")
    old, new = names if names[0] in ods.base_url else reversed(names)
    return replace(ods, base_url=ods.base_url.replace(old, new))


@pytest.fixture(scope="module")
def spare_ods() -> Iterator[Any]:
    """Where a connection may lead that is edited."""
    with serve(seed=seed(), api="7.3") as ods:
        yield ods


@pytest.fixture(scope="module")
def sqlite_ledger() -> Iterator[sa.Engine]:
    """A ledger for all histories: a new engine would compile each statement anew."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        ledger = open_ledger(f"sqlite:///{folder}/ledger.sqlite")
        yield ledger
        ledger.dispose()


@pytest.fixture(scope="module")
def postgres_ledger(postgres_url: str) -> Iterator[sa.Engine]:
    """The same on PostgreSQL."""
    with empty_database(postgres_url) as url:
        ledger = open_ledger(url)
        yield ledger
        ledger.dispose()


LAYOUTS = {"2026": (2026,), "2025": (2025,), "both years": YEARS, "two districts": (2026,)}
"""The years of each."""


def run_histories(layout: str, count: str, odses: dict[int, Any], spare: Any, ledger: sa.Engine) -> None:
    """A quarter of so many histories."""

    def emptied(_path: Path) -> sa.Engine:
        with ledger.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(sa.delete(table))
        return ledger

    def new_world() -> World:
        for ods in servers:
            ods.control.reset()
            if districts:
                ods.control.seed(seed(int(NEIGHBOUR)))
                ods.control.add_client(*client_of(NEIGHBOUR), education_organizations=[int(NEIGHBOUR)])
        return World({year: odses[year] for year in LAYOUTS[layout]}, Path(), new_ledger=emptied)

    servers = (*odses.values(), spare)
    districts = (NEIGHBOUR,) if layout == "two districts" else ()
    attributes = {"new_world": staticmethod(new_world), "servers": servers, "districts": districts}
    on_demand = bool(ON_DEMAND)
    run_state_machine_as_test(
        type("OnTheseServers", (Sync,), attributes),
        settings=settings(
            max_examples=-(-(IN_CI | ON_DEMAND)[count] // len(LAYOUTS)),
            stateful_step_count=8,
            deadline=None,
            derandomize=not on_demand,
            database=None,
            # A failure is made small on demand; in CI that would only take long.
            phases=[Phase.generate, Phase.shrink] if on_demand else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_the_ods_equals_the_oracle_after_any_sequence(
    layout: str, sandboxes: dict[int, Any], spare_ods: Any, sqlite_ledger: sa.Engine
):
    run_histories(layout, "SEQUENCES", sandboxes, spare_ods, sqlite_ledger)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_the_same_with_a_ledger_on_postgresql(
    layout: str, sandboxes: dict[int, Any], spare_ods: Any, postgres_ledger: sa.Engine
):
    run_histories(layout, "POSTGRES_SEQUENCES", sandboxes, spare_ods, postgres_ledger)
