"""A ledger with something of everything, made by the sync itself against the sandbox ODS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edfi_cte.associations.actions import Action
from edfi_cte.associations.decide import Decision, WaitsFor, Worth
from edfi_cte.ledger import approvals, bulk, kept
from edfi_cte.ledger.kept import FoundBy
from tests.sync.world import World

TARGET = "039141-2026"
EVIL = "<script>alert(1)</script>"
LONG_ID = 2_147_483_647
RUNS = ("scheduled__2026-11-24T00:00:00+00:00", "scheduled__2026-11-25T00:00:00+00:00")
STUDENT = "1000000002"


def filled(odses: dict[int, Any], folder: Path) -> World:
    """Two runs: posts, a put, a Delete/Post, a delete, each outcome, a refusal; then what waits."""
    world = World(odses, folder)
    campus = world.campus
    campus.set("School", 1, name=f"High {EVIL}")
    campus.add(1)
    campus.add(2, person=2)
    campus.add(3, person=3, noShow=True)
    campus.add(4, person=4, cluster="99")
    campus.add(5, person=5, cluster=EVIL)
    campus.add(6, person=6)
    campus.add(7, person=2, serviceType="S")
    campus.add(LONG_ID, person=7)
    campus.set("Person", 6, stateID="5555555555")
    _run(world, RUNS[0])
    campus.set("EnrollmentMO", 1, cteProgramType="0110")
    campus.set("Enrollment", 2, noShow=True)
    campus.set("Enrollment", 7, noShow=True)
    _run(world, RUNS[1])
    _wait(world)
    return world


def _run(world: World, run_id: str) -> None:
    for step in ("preflight", "extract", "transform", "upsert", "natural_key_changes"):
        world.do(run_id, step, resync=True, approved_by="ada")
    for step in ("resync_identity_mapping", "resync_ods"):
        world.do(run_id, step)
    world.report(run_id)


def _wait(world: World) -> None:
    """What a guard, and a rejection, keep in the ODS."""
    kinds = [(Worth.WAITING, "no_show", WaitsFor.GUARD), (Worth.HELD, "rejected", "career_cluster_unmapped")]
    with world.ledger.begin() as connection:
        for worth, cause, reason in kinds:
            decision = Decision(worth, Action.DELETE, cause, reason)
            rows = [
                kept.row(decision, f"{worth}-{n}".ljust(32, "0"), enrollment_id=n, ods_id=f"{n:032x}")
                for n in range(1, 4)
            ]
            kept.keep(connection, TARGET, RUNS[1], FoundBy.PLAN, bulk.now(), rows)
            approvals.make(connection, TARGET, RUNS[1], worth)
