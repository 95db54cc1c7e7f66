"""The history of runs: which run is the newest, what its steps have left, what came before and after."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import bulk, overview, runs
from edfi_cte.ledger.leases import Owner
from edfi_cte.ledger.overview import Run, StepLeft
from edfi_cte.ledger.runs import Task
from edfi_cte.ledger.schema import attempt, event, identity_mapping, run, run_step, target
from tests.ledger.rows import AT, OTHER, TARGET, add, add_each


def hour(number: int) -> datetime:
    return AT + timedelta(hours=number)


def left(step: str, **counts: Any) -> StepLeft:
    return StepLeft(step, step, AT, AT, None, None, json.dumps(counts))


def a_run(*steps: StepLeft, run_id: str = "run", started_at: datetime = AT) -> Run:
    return Run(TARGET, run_id, started_at, None, "ok", None, "dag", '{"mode": "x"}', steps)


def test_a_run_says_what_its_steps_have_left():
    bare = a_run()
    assert (bare.step("report"), bare.report, bare.planned, bare.counted) == (None, {}, False, False)
    assert (bare.plan_after, bare.sent, bare.resynced_at) == (0, 0, None)
    assert bare.parameters == {"mode": "x"}
    planned = a_run(left("transform", plan_after=7))
    assert (planned.planned, planned.counted, planned.plan_after) == (True, False, 7)
    whole = a_run(left("transform"), left("report", sent={"Post": 2, "Put": 3}))
    assert (whole.planned, whole.counted, whole.plan_after, whole.sent) == (True, True, 0, 5)
    failed = a_run(left("transform", fault="why"), left("report", sent={}))
    assert (failed.planned, failed.counted) == (False, False)
    step = failed.step("transform")
    assert step is not None
    assert (step.fault, left("x").fault) == ("why", None)


def test_a_runs_id_in_airflow_is_without_its_dags_name():
    assert a_run(run_id="r of dag").dag_run_id == "r"
    assert a_run(run_id="r of other").dag_run_id == "r of other"


READ, COMPARED = "resync_identity_mapping", "resync_ods"


@pytest.mark.parametrize(
    ("steps", "at"),
    [
        ([left(READ), left(COMPARED)], AT),
        (
            [left(READ, next_resync={"whole_at": "2026-01-15T02:00:00+00:00"}), left(COMPARED)],
            AT.replace(hour=2),
        ),
        ([left(READ, next_resync={}), left(COMPARED)], AT),
        ([left(READ)], None),
        ([left(COMPARED)], None),
        ([left(READ, fault="x"), left(COMPARED)], None),
        ([left(READ), left(COMPARED, fault="x")], None),
    ],
)
def test_all_was_compared_when_both_steps_of_a_resync_went_well(steps: list[StepLeft], at: datetime | None):
    assert a_run(*steps).resynced_at == at


def test_the_last_counted_run_is_the_first_of_them_that_has_a_report():
    whole = [left("transform"), left("report", sent={})]
    runs_ = [a_run(run_id="open"), a_run(*whole, run_id="a"), a_run(*whole, run_id="b")]
    assert overview.last_counted(runs_) == runs_[1]
    assert overview.last_counted(runs_[:1]) is None


def fill(connection: sa.Connection) -> None:
    """Three runs of a target, the last of them dry, and one of another; steps of the second."""
    for target_id in (OTHER, TARGET, "new"):
        add(connection, target, target_id=target_id)
    for number, status in ((2, "ok"), (1, "ok"), (3, "dry run")):
        add(connection, run, run_id=f"r+{number}", started_at=hour(number), status=status, dag_id="dag")
    for number, at in ((2, 8), (4, 9)):
        add(connection, run, run_id=f"r+{number}", started_at=hour(at), status="failed", target_id=OTHER)
    for place, step in enumerate(("upsert", "transform", "report", "preflight")):
        add(connection, run_step, run_id="r+2", step=step, part=step, began_at=hour(place), map_index=place)
    add(connection, run_step, run_id="r+2", step="upsert", part="upsert 1", began_at=hour(0))
    add(connection, run_step, run_id="r+1", step="report", part="report")
    add(connection, run_step, run_id="r+1", step="report", part="report", target_id=OTHER)


def parts(found: Run | None) -> list[str] | None:
    return found and [step.part for step in found.steps]


def test_the_last_run_of_each_target_is_the_newest_that_is_no_dry_one_with_its_report(memory: sa.Connection):
    fill(memory)
    assert overview.targets(memory) == [TARGET, OTHER, "new"]
    found = overview.last_runs(memory)
    assert {name: (one.run_id, one.started_at, parts(one)) for name, one in found.items()} == {
        TARGET: ("r+2", hour(2), ["report"]),
        OTHER: ("r+4", hour(9), []),
    }
    assert found[TARGET].steps[0].map_index == 2


def test_recent_runs_come_newest_first_with_the_steps_that_say_how_they_went(memory: sa.Connection):
    fill(memory)
    found = overview.recent_runs(memory, TARGET)
    assert [(one.run_id, parts(one)) for one in found] == [
        ("r+3", []),
        ("r+2", ["transform", "report"]),
        ("r+1", ["report"]),
    ]
    assert [one.run_id for one in overview.recent_runs(memory, TARGET, 2)] == ["r+3", "r+2"]
    for number in range(4, 40):
        add(memory, run, run_id=f"r+{number}", started_at=hour(number), status="ok")
    assert [one.run_id for one in overview.recent_runs(memory, TARGET)] == [f"r+{n}" for n in range(39, 9, -1)]


def test_a_run_is_found_with_all_its_steps_by_its_id_and_by_what_an_address_makes_of_it(memory: sa.Connection):
    fill(memory)
    for spelling in ("r+2", "r 2"):
        found = overview.find_run(memory, TARGET, spelling)
        assert parts(found) == ["upsert", "upsert 1", "transform", "report", "preflight"]
        assert overview.targets_of_run(memory, spelling) == [TARGET, OTHER]
    assert overview.find_run(memory, OTHER, "r+1") is None
    assert overview.targets_of_run(memory, "r+1") == [TARGET]


def test_a_runs_neighbours_are_those_of_its_target_just_before_and_after_it(memory: sa.Connection):
    fill(memory)
    add(memory, run, run_id="r+0", started_at=hour(0), status="ok")
    names = ("r+0", "r+1", "r+2", "r+3")
    around = {}
    for name in names:
        found = overview.find_run(memory, TARGET, name)
        assert found is not None
        around[name] = overview.neighbours(memory, found)
    assert around == {
        "r+0": (None, "r+1"),
        "r+1": ("r+0", "r+2"),
        "r+2": ("r+1", "r+3"),
        "r+3": ("r+2", None),
    }
    twin = a_run(run_id="twin", started_at=hour(2))
    assert overview.neighbours(memory, twin) == ("r+2", "r+3"), "one of the same moment counts as before"


def test_what_the_ods_lacks_is_what_the_newest_preflight_has_said(memory: sa.Connection):
    assert overview.lacking_in_ods(memory, TARGET) is None
    said = [
        (1, "preflight", {"lacking": ["old"]}),
        (3, "preflight", {"fault": "no answer"}),
        (2, "preflight", {"lacking": ["a", "b"]}),
        (4, "report", {"lacking": ["x"]}),
    ]
    for number, step, counts in said:
        add(
            memory,
            run_step,
            run_id=f"{number}",
            part=step,
            step=step,
            began_at=hour(number),
            counts=json.dumps(counts),
        )
    add(memory, run_step, step="preflight", began_at=hour(9), counts='{"lacking": []}', target_id=OTHER)
    assert overview.lacking_in_ods(memory, TARGET) == {"a", "b"}
    assert overview.lacking_in_ods(memory, OTHER) == set()


def test_what_a_step_has_left_takes_the_place_of_an_earlier_try_and_a_pass_begun_again_drops_the_later(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk, "now", lambda: hour(5))
    kept = [
        ("transform", "transform", 7),
        ("upsert", "upsert 1", 1),
        ("upsert", "upsert 2", 2),
        ("report", "report", 3),
    ]
    for step, part, number in [*kept, ("upsert", "upsert 1", 4)]:
        runs.keep(memory, TARGET, "run", step, part, Task(AT, "task", number), {"plan_after": number})
    for target_id, run_id in ((TARGET, "other"), (OTHER, "run")):
        runs.keep(memory, target_id, run_id, "upsert", "upsert 1", Task(AT), {})
    assert runs.steps_of(memory, TARGET, "run") == {
        "report": {"report": {"plan_after": 3}},
        "transform": {"transform": {"plan_after": 7}},
        "upsert": {"upsert 1": {"plan_after": 4}, "upsert 2": {"plan_after": 2}},
    }
    row = memory.execute(sa.select(run_step).where(run_step.c.part == "report")).one()
    assert (row.began_at, row.ended_at, row.task_id, row.map_index) == (AT, hour(5), "task", 3)
    assert runs.plan_after(memory, TARGET, "run") == 7
    assert runs.plan_after(memory, TARGET, "other") == 0
    runs.forget(memory, TARGET, "run", "upsert 1", ["report"])
    assert runs.steps_of(memory, TARGET, "run").keys() == {"transform", "upsert"}
    assert runs.steps_of(memory, TARGET, "run")["upsert"].keys() == {"upsert 2"}
    assert runs.steps_of(memory, TARGET, "other").keys() == runs.steps_of(memory, OTHER, "run").keys() == {"upsert"}


def test_a_runs_entry_is_opened_set_and_closed_alone(memory: sa.Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "now", lambda: hour(5))
    owner, other = Owner("airflow", "dag", "r" * 300), Owner("airflow", "dag", "other")
    name = runs.start(memory, TARGET, owner, {"mode": "x"})
    assert name == "r" * 250
    runs.start(memory, TARGET, other, {})
    runs.start(memory, OTHER, owner, {})
    runs.settle_on(memory, TARGET, name, "digest")
    runs.finish(memory, TARGET, name, "ok", "well")
    row = runs.of_owner(memory, TARGET, owner)
    assert row is not None
    assert row == runs.get_run(memory, TARGET, name)
    assert dict(row._mapping) == {
        "target_id": TARGET,
        "run_id": name,
        "started_at": hour(5),
        "finished_at": hour(5),
        "status": "ok",
        "parameters": '{"mode": "x"}',
        "settings_digest": "digest",
        "message": "well",
        "owner": owner.key,
        "dag_id": "dag",
    }
    open_ = memory.execute(sa.select(run).where(run.c.status == "running")).all()
    assert {(one.target_id, one.run_id, one.settings_digest) for one in open_} == {
        (TARGET, "other", None),
        (OTHER, name, None),
    }
    assert runs.of_owner(memory, TARGET, Owner("airflow", "dag", "x")) is None
    assert runs.get_run(memory, TARGET, "x") is None


def test_what_is_known_of_a_target_is_its_own_and_its_ods_is_known_since_the_first_reading(memory: sa.Connection):
    for target_id in (TARGET, OTHER):
        add(memory, target, target_id=target_id, transformed_with=f"of {target_id}")
    runs.describe(memory, TARGET, data_standard="5.2")
    for at in (hour(1), hour(2)):
        runs.know_ods(memory, TARGET, at)
    rows = [runs.get_target(memory, name) for name in (TARGET, OTHER, "x")]
    assert [row and (row.target_id, row.data_standard, row.known_since) for row in rows] == [
        (TARGET, "5.2", hour(1)),
        (OTHER, None, None),
        None,
    ]
    assert runs.transformed_with(memory, TARGET) == f"of {TARGET}"
    runs.try_write(memory)


def test_another_organizations_target_over_the_same_connection_and_year_is_found_once_it_has_sent(
    memory: sa.Connection,
):
    here: dict[str, Any] = {"edfi_conn_id": "e", "scope_year": 2026}
    base = here | {"target_id": "same organization", "education_organization_id": 1}
    others = [
        {"target_id": "unsent", "education_organization_id": 2},
        {"target_id": "another year", "education_organization_id": 2, "scope_year": 2025},
        {"target_id": "another connection", "education_organization_id": 2, "edfi_conn_id": "x"},
    ]
    add_each(memory, target, base, others)
    for name in ("same organization", "another year", "another connection"):
        add(memory, identity_mapping, target_id=name)
    assert runs.other_education_organization(memory, edorg_id=1, **here) is None
    add(memory, identity_mapping, target_id="unsent")
    assert runs.other_education_organization(memory, edorg_id=1, **here) == ("unsent", 2)


def test_old_runs_go_with_their_events_and_steps_but_for_what_is_unfinished_or_in_doubt(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk, "now", lambda: AT + timedelta(days=30))
    rows: dict[str, dict[str, Any]] = {
        **{status: {"status": status} for status in ("sent", "failed", "superseded", "pending", "sending")},
        "doubt": {"status": "failed", "in_doubt": True},
        "old doubt": {"status": "failed", "old_in_doubt": True},
        "young": {"status": "sent"},
    }
    for number, (name, columns) in enumerate(rows.items(), 1):
        at = AT if name == "young" else AT - timedelta(microseconds=1)
        add(memory, run, run_id=name, started_at=at)
        add(memory, run_step, run_id=name, part="report")
        add(memory, event, event_id=number, run_id=name, **columns)
        add(memory, attempt, event_id=number)
    for table in (run, run_step):
        add(memory, table, run_id="sent", target_id=OTHER, **({"started_at": hour(-99)} if table is run else {}))
    add(memory, event, event_id=99, run_id="sent", status="sent", target_id=OTHER)
    add(memory, attempt, event_id=99)
    runs.prune(memory, TARGET, 30)
    stay = [*rows][3:]
    for table in (run, run_step, event):
        left_ = memory.execute(sa.select(table.c.target_id, table.c.run_id)).all()
        assert sorted(left_) == sorted([*((TARGET, name) for name in stay), (OTHER, "sent")])
    assert sorted(memory.scalars(sa.select(attempt.c.event_id))) == [4, 5, 6, 7, 8, 99]
