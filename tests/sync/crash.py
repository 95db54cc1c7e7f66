# ruff: noqa: DTZ001 - Campus keeps local times, without a zone; it is a test's other half
"""The other half of :mod:`.test_crash`: a program of its own, since it forks, which a process with threads must not.

A boundary is the moment before a write request or a ledger commit: the moment after one write is the moment before
the next. The process is really killed there (SIGKILL, in a fork), while the ODS answers well or not, and a second
task may be at work beside it; what it was about to send may arrive after its death. Then the same run goes on in
another process, or a later run takes over once the lease has run out. Campus may be edited in between: then what a
lost request left behind is not what is wanted now, and without a resync nothing but the ledger says so.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from edfi_cte.errors import EdfiCteError
from edfi_cte.ods import EdFiClient, EdFiError, retry
from edfi_cte.sync.lane import SHARED_STEPS, STEP_NAMES, Shard
from edfi_cte.sync.steps import run_step
from sandbox.ods.control import Control
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, run

FORK = multiprocessing.get_context("fork")
Request = tuple[str, tuple[Any, ...]]


class Boundaries:
    """Counts the write boundaries of this process; at number ``fatal`` it dies."""

    def __init__(self) -> None:
        self.count = 0
        self.fatal: int | None = None
        self.will: Connection | None = None
        """Where a dying process leaves the request that it was about to send."""

    def install(self) -> None:
        for verb in ("upsert", "put", "delete"):
            setattr(EdFiClient, verb, self._around_request(verb, getattr(EdFiClient, verb)))
        commit = DefaultDialect.do_commit

        def do_commit(dialect: Any, connection: Any) -> None:
            self.cross(None)
            commit(dialect, connection)

        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]

    def _around_request(self, name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
        async def request(client: EdFiClient, *arguments: Any) -> Any:
            self.cross((name, arguments))
            return await verb(client, *arguments)

        return request

    def cross(self, request: Request | None) -> None:
        self.count += 1
        if self.count == self.fatal:
            if self.will is not None:
                self.will.send(request)
            os.kill(os.getpid(), signal.SIGKILL)


BOUNDARIES = Boundaries()


def begin(work: Callable[[], None], fatal: int | None = None, crossed: int = 0) -> tuple[BaseProcess, Connection]:
    """Begin ``work`` in a process of its own that has crossed so many boundaries already."""
    assert threading.active_count() == 1
    receiver, sender = FORK.Pipe(duplex=False)

    def child() -> None:
        BOUNDARIES.count, BOUNDARIES.fatal, BOUNDARIES.will = crossed, fatal, sender
        work()
        sender.send(BOUNDARIES.count)

    process = FORK.Process(target=child)
    process.start()
    sender.close()
    return process, receiver


def end(process: BaseProcess, receiver: Connection) -> tuple[int | None, Any]:
    """Wait for its end; its exit code and what it left: the boundaries that it crossed, or the request it died at."""
    process.join(60)
    if process.exitcode is None:
        process.kill()
        raise AssertionError("a run came to no end within 60 s")
    try:
        return process.exitcode, receiver.recv()
    except EOFError:
        return process.exitcode, None


def in_fork(work: Callable[[], None]) -> None:
    """Do ``work`` in a process of its own, to its end."""
    code, _ = end(*begin(work))
    assert code == 0


def with_every_kind_of_event(world: World) -> None:
    """Sent: 1 to 5, and 7. Then a post, a put, a delete, two delete/posts, one of which keeps its key; and for the
    resync a loss, an edit and an orphan.
    """
    world.settings["preferences"]["default"] = {"send_end_date": True}
    world.settings["guards"] = {"max_delete_fraction": 1, "max_delete_count": 1000}
    for number in (1, 2, 3, 4, 5, 7):
        world.campus.add(number, person=number)
    finish(world, "first")
    world.campus.add(6, person=6)
    world.campus.set("Enrollment", 1, endDate=datetime(2026, 3, 2))
    world.campus.remove(2)
    world.campus.set("Enrollment", 3, startDate=datetime(2025, 9, 2))
    world.campus.set("EnrollmentMO", 7, careerCluster="5")
    control = world.odses[2026].control
    by_student = {d["studentReference"]["studentUniqueId"]: d for d in control.documents(RESOURCE)}
    control.delete(RESOURCE, by_student["1000000004"]["id"])
    own = {k: v for k, v in by_student["1000000005"].items() if k not in ("id", "_etag", "_lastModifiedDate")}
    control.put(RESOURCE, own | {"endDate": "2026-01-01"})
    control.put(RESOURCE, own | {"beginDate": "2025-12-01"})


def takes_all_back(world: World) -> None:
    """Campus is as it was before the killed run."""
    world.campus.remove(6)
    world.campus.set("Enrollment", 1, endDate=None)
    world.campus.add(2, person=2)
    world.campus.set("Enrollment", 3, startDate=datetime(2025, 8, 20))
    world.campus.set("EnrollmentMO", 7, careerCluster="8")


def changes_all_again(world: World) -> None:
    """Each record that the killed run had to do with becomes another one."""
    world.campus.set("Enrollment", 6, startDate=datetime(2025, 9, 9))
    world.campus.set("Enrollment", 1, endDate=datetime(2026, 4, 4))
    world.campus.add(22, "5", person=2)
    world.campus.set("Enrollment", 3, startDate=datetime(2025, 9, 9))
    world.campus.set("EnrollmentMO", 7, careerCluster="4")


def changes_nothing(_world: World) -> None:
    """Campus is as the killed run has read it."""


EDITS = {edit.__name__: edit for edit in (changes_nothing, takes_all_back, changes_all_again)}

ANSWERS: dict[str, list[Fault]] = {
    "well": [],
    "refused": [Fault("status", method="POST", path=RESOURCE, status=400, rate=0.5)],
    "5xx, carried out": [Fault("status", path=RESOURCE, status=504, when="after", rate=0.4)],
    "5xx, not carried out": [Fault("status", path=RESOURCE, status=503, rate=0.4)],
    "line broken, carried out": [Fault("drop", path=RESOURCE, when="after", rate=0.4)],
    "line broken, not carried out": [Fault("drop", path=RESOURCE, rate=0.4)],
    "cut short": [Fault("truncate", path=RESOURCE, rate=0.4)],
    "nonsense": [Fault("status", path=RESOURCE, status=200, html=True, when="after", rate=0.4)],
    "refused, put back in vain": [Fault("status", method="POST", path=RESOURCE, status=400)],
}
"""How the ODS answers requests for associations during the killed run. A refused post's old document is put back by a
post as well.
"""


@dataclass(frozen=True)
class Death:
    """What becomes of a run: which boundary it dies at, how the ODS answers until then, whether two tasks send,
    whether what it was about to send arrives after all, and whether the same run goes on, or a later one.
    """

    fatal: int
    answers: str
    two: bool
    late: bool
    later: bool


def deaths(boundaries: int, share: int, *, all_of_them: bool) -> Iterator[Death]:
    """One at each third boundary, of which ``share`` (0 to 2) says which; or one at every boundary for each answer.

    The rest is drawn, the same each time.
    """
    random = Random(share)  # noqa: S311 - no secret
    answers = random.sample(list(ANSWERS), len(ANSWERS))
    for fatal in range(1, boundaries + 1):
        if all_of_them or fatal % 3 == share:
            answers = answers[1:] + answers[:1]
            for each in answers if all_of_them else answers[:1]:
                yield Death(fatal, each, *(random.random() < 0.5 for _ in range(3)))


EDITED_IN_THE_ODS = ("1000000004", "1000000005")
"""Whose records only a resync puts right."""


def finish(world: World, run_id: str, *, resync: bool = True) -> None:
    """A run to its end."""
    assert run(world.lane(run_id=run_id, resync=resync)).status == "ok"


def tasks(world: World, steps: Sequence[str], shard: Shard) -> Callable[[], None]:
    """Steps of the run, of which one may fail: that ends them."""

    def work() -> None:
        with suppress(EdfiCteError):
            for step in steps:
                run_step(replace(world.lane(run_id="crashing"), shard=shard), step)

    return work


def kill(world: World, death: Death) -> tuple[bool, Request | None]:
    """The run up to its death; whether it came so far, and the request that it died at."""
    one = [STEP_NAMES]
    parts: list[Sequence[str]] = [STEP_NAMES[:3], *([step] for step in STEP_NAMES[3:5]), STEP_NAMES[5:]]
    crossed, left = 0, None
    for steps in parts if death.two else one:
        count = 2 if death.two and steps[0] in SHARED_STEPS else 1
        begun = [
            begin(tasks(world, steps, Shard(index, count)), None if index else death.fatal, 0 if index else crossed)
            for index in range(count)
        ]
        (code, left), *_ = [end(*task) for task in begun]
        if code == -signal.SIGKILL:
            return True, left
        assert code == 0
        crossed = left
    return False, None


def arrives(world: World, request: Request) -> None:
    """What was on its way when its sender died."""

    async def send() -> None:
        async with world.lane(run_id="-").open_ods() as client:
            with suppress(EdFiError):
                await getattr(client, request[0])(*request[1])

    asyncio.run(send())


def by_edits_in_campus(documents: dict[Any, Any]) -> dict[Any, Any]:
    """Of what is in the ODS, or should be, the part that does not depend on a resync."""
    return {key: body for key, body in documents.items() if key[-1] not in EDITED_IN_THE_ODS}


class Start:
    """The moment before the run that is killed."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world, self._folder, self._ledger = world, folder, folder / "ledger1.sqlite"
        self._campus = deepcopy(world.campus.tables)
        self._documents = world.odses[2026].control.documents(RESOURCE)
        self._rows = self._ledger.read_bytes()

    def again(self) -> None:
        """All is as it was then, but for the ids, which the ODS gives anew."""
        self._world.campus.tables = deepcopy(self._campus)
        for path in self._folder.glob("ledger1.sqlite*"):
            path.unlink()
        self._ledger.write_bytes(self._rows)
        control = self._world.odses[2026].control
        control.reset()
        with self.rows() as connection:
            for document in self._documents:
                ids = (control.put(RESOURCE, document)["id"], document["id"])
                connection.execute("UPDATE edfi_cte_identity_mapping SET ods_id = ? WHERE ods_id = ?", ids)

    def lease_runs_out(self) -> None:
        with self.rows() as connection:
            for table in ("lease", "hold"):
                connection.execute(f"UPDATE edfi_cte_{table} SET expires_at = '2020-01-01 00:00:00.000000'")

    @contextmanager
    def rows(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._ledger)
        with connection:
            yield connection
        connection.close()


def close(world: World) -> None:
    """Nothing open, and no thread, survives a fork."""
    with world.ledger.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    world.ledger.dispose()
    world.campus.close()


def kill_everywhere(world: World, folder: Path, edit: Callable[[World], None], *, all_of_them: bool) -> str:
    """Kill a run at its boundaries, edit Campus, and finish it; how many boundaries there are, tries, and deaths.

    AssertionError if the end is not right: that of a run without resync by what Campus has brought about, that of a
    run with one in all.
    """
    retry._FIRST_WAIT = 0.0  # the waits between two tries are not what is looked at
    BOUNDARIES.install()
    with_every_kind_of_event(world)
    close(world)
    start = Start(world, folder)
    BOUNDARIES.count = 0
    finish(world, "crashing")  # here: what it compiles and imports each fork has
    boundaries = BOUNDARIES.count
    assert world.there() == world.expected()
    close(world)
    drawn = list(deaths(boundaries, list(EDITS.values()).index(edit), all_of_them=all_of_them))
    died = 0
    for death in drawn:
        start.again()
        with world.odses[2026].control.faults(*ANSWERS[death.answers]):
            dead, request = kill(world, death)
        died += dead
        if request is not None and death.late:
            in_fork(lambda request=request: arrives(world, request))
        start.lease_runs_out()
        edit(world)
        run_id = "later" if death.later else "crashing"
        if edit is not changes_nothing:
            in_fork(lambda run_id=run_id: finish(world, run_id, resync=False))
            assert by_edits_in_campus(world.there()) == by_edits_in_campus(world.expected()), death
            run_id = "last"
        in_fork(lambda run_id=run_id: finish(world, run_id))
        assert world.there() == world.expected(), death
    return f"{boundaries} {len(drawn)} {died}"


if __name__ == "__main__":
    base_url, key, secret, folder, edit = sys.argv[1:]
    ods = SimpleNamespace(base_url=base_url, key=key, secret=secret, control=Control(base_url))
    print(
        kill_everywhere(
            World({2026: ods}, Path(folder)),
            Path(folder),
            EDITS[edit],
            all_of_them=bool(os.environ.get("EDFI_CTE_CRASH_ALL")),
        )
    )
