# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""The whole sync on each database that can hold a ledger."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import CacheStats

from edfi_cte.ledger.database import LedgerFault, open_ledger
from tests.ledger.conftest import ENGINES
from tests.ledger.databases import empty_ledger_url
from tests.sync.campus import STUDENTS
from tests.sync.world import RESOURCE, World, counting_writes


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "sqlite"])
def test_every_kind_of_event_on(engine: str, world: World, request: pytest.FixtureRequest, tmp_path: Path):
    world.ledger = open_ledger(empty_ledger_url(request, engine, tmp_path))
    world.settings["preferences"]["default"] = {"send_end_date": True}
    for number in range(1, 7):
        world.campus.add(number, person=number)
    world.campus.add(7, serviceType="N")
    assert world.run().counts["sent"]["Post"] == 6
    world.campus.add(8, person=7)
    world.campus.set("Enrollment", 1, endDate=datetime(2026, 3, 2))
    world.campus.remove(2)
    world.campus.set("Enrollment", 3, startDate=datetime(2025, 9, 2))
    world.campus.set("Person", 6, stateID="5555555555")
    control = world.odses[2026].control
    by_student = {d["studentReference"]["studentUniqueId"]: d for d in control.documents(RESOURCE)}
    control.delete(RESOURCE, by_student["1000000004"]["id"])
    own = {k: v for k, v in by_student["1000000005"].items() if k not in ("id", "_etag", "_lastModifiedDate")}
    control.put(RESOURCE, own | {"endDate": "2026-01-01"})
    control.put(RESOURCE, own | {"beginDate": "2025-12-01"})
    result = world.run()
    assert result.counts["failed for"] == {"not_yet_enrolled": 1}
    world.campus.set("Person", 6, stateID="1000000006")
    assert world.run().status == "ok"
    assert world.there() == world.expected()
    with counting_writes(world.odses[2026]) as counted:
        world.run()
    assert counted == [0]
    world.ledger.dispose()


def test_no_statement_of_a_run_is_compiled_anew_each_time(world: World):
    """A construct of ours without a cache key would cost each claim and each step its compilation."""
    without_key: set[str] = set()

    def executed(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        if context.compiled is not None and context.cache_hit is CacheStats.NO_CACHE_KEY:
            without_key.add(statement)

    world.campus.add(1)
    world.run()
    world.campus.set("Enrollment", 1, startDate=datetime(2025, 9, 2))
    sa.event.listen(world.ledger, "before_cursor_execute", executed)
    world.run()
    assert {statement for statement in without_key if "SAVEPOINT" not in statement} == set()


ODD_TEXTS: dict[int, tuple[dict[str, Any], tuple[str, str | None]]] = {
    2: ({"serviceType": "x" * 250}, ("desired", None)),
    3: ({"cluster": "9" * 130}, ("rejected", "career_cluster_unmapped")),
    4: ({"cluster": "9" * 250}, ("rejected", "career_cluster_unmapped")),
    5: ({"cluster": "8\0"}, ("desired", None)),
    6: ({"cluster": "\U0001f600"}, ("rejected", "career_cluster_unmapped")),
    7: ({"serviceType": "\\N", "kind": "\\."}, ("rejected", "program_name_missing")),
    8: ({"cluster": "8\t8"}, ("rejected", "career_cluster_unmapped")),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_whatever_campus_says_each_record_has_its_outcome_on(
    engine: str, world: World, request: pytest.FixtureRequest, tmp_path: Path
):
    world.ledger = open_ledger(empty_ledger_url(request, engine, tmp_path))
    world.campus.add(1)
    for number, (columns, _) in ODD_TEXTS.items():
        world.campus.add(number, **{"person": number, **columns})
    world.campus.tables["Person"].append({"personID": 9, "stateID": "7" * 130})
    world.campus.add(9, person=9)
    assert world.run().status == "ok"
    found = world.in_ledger("SELECT enrollment_id, outcome, reason FROM edfi_cte_record_outcome")
    assert {number: outcome for number, *outcome in found} == {
        1: ["desired", None],
        **{number: list(outcome) for number, (_, outcome) in ODD_TEXTS.items()},
        9: ["rejected", "student_id_too_long"],
    }
    sent = {document["studentReference"]["studentUniqueId"] for document in world.there().values()}
    assert sent == {STUDENTS[1], STUDENTS[2], STUDENTS[5]}
    world.ledger.dispose()


REFUSE = {
    "sqlite": "CREATE TRIGGER refuse BEFORE INSERT ON edfi_cte_enrollment_record "
    "BEGIN SELECT RAISE(ABORT, 'refused, as a full disk is'); END",
    "postgresql": "ALTER TABLE edfi_cte_enrollment_record ADD CHECK (enrollment_id < 0)",
    "sqlserver": "ALTER TABLE edfi_cte_enrollment_record ADD CHECK (enrollment_id < 0)",
}
"""Each makes an insert fail: SQLAlchemy would quote its parameters, and PostgreSQL the row that its COPY brought."""


@pytest.fixture(params=ENGINES)
def refusing(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[World]:
    """A ledger that takes no enrollment record."""
    world.ledger = open_ledger(empty_ledger_url(request, request.param, tmp_path))
    with world.ledger.begin() as connection:
        connection.execute(sa.text(REFUSE[request.param]))
    world.campus.add(1)
    world.do("run", "preflight")
    yield world
    world.ledger.dispose()


def test_a_refused_statement_is_transient_and_tells_nothing_of_a_student(
    refusing: World, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    with pytest.raises(LedgerFault) as refused:
        refusing.do("run", "extract")
    assert refused.value.transient
    result = refusing.report("run")
    assert result.message == str(refused.value)
    assert "the ledger's database refused a statement" in result.message
    for text in (caplog.text, result.table()):
        assert "1000000001" not in text


def test_nor_does_the_traceback_of_a_refused_statement(refusing: World):
    with pytest.raises(LedgerFault) as refused:
        refusing.do("run", "extract")
    assert "1000000001" not in "".join(format_exception(refused.value))
