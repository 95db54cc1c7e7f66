# ruff: noqa: DTZ001 - Campus keeps local times, without a zone; it is a test's other half
"""The other half of :mod:`.test_crash`: a program of its own, since it forks, which a process with threads must not.

A boundary is the moment before a write request or a ledger commit: the moment after one write is the moment before
the next. The process is really killed (SIGKILL, in a fork); then the same run goes on in another process, or a later
run takes over once the lease has run out. Campus may be edited in between: then what a lost request left behind
is not what is wanted now, and without a resync nothing but the ledger says so.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from edfi_cte.ods import EdFiClient
from sandbox.ods.control import Control
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, run

FORK = multiprocessing.get_context("fork")


class Boundaries:
    """Counts the write boundaries of this process; at number ``fatal`` it dies."""

    def __init__(self, fatal: int | None) -> None:
        self.count = 0
        self._fatal = fatal

    def install(self) -> None:
        for verb in ("upsert", "put", "delete"):
            setattr(EdFiClient, verb, self._around_request(getattr(EdFiClient, verb)))
        commit = DefaultDialect.do_commit

        def do_commit(dialect: Any, connection: Any) -> None:
            self.cross()
            commit(dialect, connection)

        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]

    def _around_request(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        async def request(*arguments: Any, **options: Any) -> Any:
            self.cross()
            return await verb(*arguments, **options)

        return request

    def cross(self) -> None:
        self.count += 1
        if self.count == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def in_fork(work: Callable[[Boundaries], None], fatal: int | None = None) -> tuple[int | None, int]:
    """Do ``work`` in a process of its own; its exit code and the boundaries that it crossed."""
    receiver, sender = FORK.Pipe(duplex=False)

    def child() -> None:
        boundaries = Boundaries(fatal)
        boundaries.install()
        work(boundaries)
        sender.send(boundaries.count)

    process = FORK.Process(target=child)
    process.start()
    sender.close()
    process.join(60)
    if process.exitcode is None:
        process.kill()
        raise AssertionError("a run came to no end within 60 s")
    try:
        return process.exitcode, receiver.recv()
    except EOFError:
        return process.exitcode, -1


def with_every_kind_of_event(world: World) -> None:
    """Sent: 1 to 5, and 7. Then a post, a put, a delete, two delete/posts, one of which keeps its key; and for the
    resync a loss, an edit and an orphan.
    """
    world.settings["preferences"]["default"] = {"send_end_date": True}
    world.settings["guards"] = {"max_delete_fraction": 1, "max_delete_count": 1000}
    for number in (1, 2, 3, 4, 5, 7):
        world.campus.add(number, person=number)
    assert in_fork(lambda _: finish(world, "first"))[0] == 0
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

EVERY = {changes_nothing: 2, changes_all_again: 3}
"""Which boundaries: the sharpest edit is the one that takes all back; of the others fewer keep the test short."""

REFUSED = Fault("status", method="POST", path=RESOURCE, status=400, rate=0.5)
"""Of the posts of each third killed run; what an old document's is put back by is a post as well."""

EDITED_IN_THE_ODS = ("1000000004", "1000000005")
"""Whose records only a resync puts right."""


def finish(world: World, run_id: str, *, resync: bool = True) -> None:
    """A run to its end, as a fork's whole work."""
    assert run(world.lane(run_id=run_id, resync=resync)).status == "ok"


def by_edits_in_campus(documents: dict[Any, Any]) -> dict[Any, Any]:
    """Of what is in the ODS, or should be, the part that does not depend on a resync."""
    return {key: body for key, body in documents.items() if key[-1] not in EDITED_IN_THE_ODS}


def kill_everywhere(world: World, folder: Path, edit: Callable[[World], None]) -> int:
    """Kill a run at each of its boundaries, edit Campus, and finish it; how many boundaries there were.

    AssertionError if the end is not right: that of a run without resync by what Campus has brought about, that of a
    run with one in all.
    """
    ledger = folder / "ledger1.sqlite"
    world.ledger.dispose()  # an open SQLite connection does not survive a fork
    with_every_kind_of_event(world)
    with sqlite3.connect(ledger) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before_ledger = ledger.read_bytes()
    before_ods = world.odses[2026].control.documents(RESOURCE)
    before_campus = deepcopy(world.campus.tables)

    def restore() -> None:
        world.campus.tables = deepcopy(before_campus)
        for path in folder.glob("ledger1.sqlite*"):
            path.unlink()
        ledger.write_bytes(before_ledger)
        control = world.odses[2026].control
        control.reset()
        with sqlite3.connect(ledger) as connection:
            for document in before_ods:
                ids = (control.put(RESOURCE, document)["id"], document["id"])
                connection.execute("UPDATE edfi_cte_identity_mapping SET ods_id = ? WHERE ods_id = ?", ids)

    code, boundaries = in_fork(lambda _: finish(world, "crashing"))
    assert code == 0
    assert world.there() == world.expected()
    for turn, fatal in enumerate(range(1, boundaries + 1, EVERY.get(edit, 1))):
        restore()
        with world.odses[2026].control.faults(*([REFUSED] if turn % 3 == 2 else [])):
            code, _ = in_fork(lambda _: finish(world, "crashing"), fatal)
        assert code == -signal.SIGKILL or turn % 3 == 2, f"boundary {fatal}"
        with sqlite3.connect(ledger) as connection:
            for table in ("lease", "hold"):
                connection.execute(f"UPDATE edfi_cte_{table} SET expires_at = '2020-01-01 00:00:00.000000'")
        run_id = "later" if turn % 2 else "crashing"
        edit(world)
        if edit is not changes_nothing:
            code, _ = in_fork(lambda _, run_id=run_id: finish(world, run_id, resync=False))
            assert code == 0, f"boundary {fatal}"
            found, wanted = by_edits_in_campus(world.there()), by_edits_in_campus(world.expected())
            assert found == wanted, f"boundary {fatal}"
            run_id = "last"
        code, _ = in_fork(lambda _, run_id=run_id: finish(world, run_id))
        assert code == 0, f"boundary {fatal}"
        assert world.there() == world.expected(), f"boundary {fatal}"
    return boundaries


if __name__ == "__main__":
    base_url, key, secret, folder, edit = sys.argv[1:]
    ods = SimpleNamespace(base_url=base_url, key=key, secret=secret, control=Control(base_url))
    print(kill_everywhere(World({2026: ods}, Path(folder)), Path(folder), EDITS[edit]))
