"""A run's page: its report's numbers with their lists, and its steps with their tasks' logs."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from edfi_cte.associations.model import ExclusionRule
from edfi_cte.associations.transform import RejectionReason
from edfi_cte.ledger.overview import Run, StepLeft
from edfi_cte.ui.access import Rights
from edfi_cte.ui.pages.queue import _wanted
from edfi_cte.ui.pages.records import about
from edfi_cte.ui.pages.run import _steps, report_rows
from edfi_cte.ui.visit import Visit
from tests.ui.test_pictures import AT, counted


@pytest.fixture
def visit() -> Visit:
    request: Any = SimpleNamespace(scope={"root_path": "/airflow/edfi-cte"})
    nothing: Any = None
    return Visit(request, Rights(edit=False, trigger=False), nothing)


TARGET = "target=039141-2026"


@pytest.mark.parametrize(
    ("name", "value", "addresses"),
    [
        ("extracted", 8, [f"records?{TARGET}"]),
        ("desired", 4, [f"records?{TARGET}&outcome=desired"]),
        ("superseded by another enrollment", 1, [f"records?{TARGET}&outcome=superseded"]),
        (
            "excluded by",
            {"no_show": 2, "x": 1},
            [f"records?{TARGET}&outcome=excluded&reason={n}" for n in ("no_show", "x")],
        ),
        ("rejected for", {"a": 2}, [f"records?{TARGET}&outcome=rejected&reason=a"]),
        ("planned", {"Post": 2}, [f"events?{TARGET}&run=run&action=Post"]),
        ("because of", {"a": 2}, [f"events?{TARGET}&run=run&cause=a"]),
        ("sent", {"Put": 2}, [f"events?{TARGET}&run=run&action=Put&status=sent"]),
        ("failed", 1, [f"events?{TARGET}&run=run&status=failed"]),
        ("failed for", {"a": 1}, [f"events?{TARGET}&run=run&status=failed&error=a"]),
        ("held", 1, [f"waiting?{TARGET}"]),
        ("held for", {"a": 1}, [f"waiting?{TARGET}"]),
        ("waiting", 1, [f"waiting?{TARGET}"]),
        ("out of reach", 1, [f"waiting?{TARGET}"]),
        ("of another version", 1, [None]),
        ("sent", {}, []),
    ],
)
def test_each_number_of_the_report_leads_to_its_list(
    visit: Visit, name: str, value: int | dict[str, int], addresses: list[str | None]
) -> None:
    places = [address and f"/airflow/edfi-cte/{address}" for address in addresses]
    parts = value if isinstance(value, dict) else {}
    rows = [(part, number, place, 1) for (part, number), place in zip(parts.items(), places, strict=False)]
    expected = [(name, None, None, 0), *rows] if parts else [(name, value, place, 0) for place in places]
    assert report_rows(visit, counted(**{name: value})) == expected


def step(name: str, part: str, seconds: float = 1.5, task: str | None = None, **left: Any) -> StepLeft:
    index = None if task is None else 0
    return StepLeft(name, part, AT, AT + timedelta(seconds=seconds), task, index, json.dumps(left))


def test_the_steps_are_in_their_order_with_what_they_left(visit: Visit) -> None:
    steps = (
        step("report", "report"),
        step("of another version", "of another version"),
        step("upsert", "upsert 2"),
        step("upsert", "upsert 1", 61, task="steps.upsert", sent=1200, plan_after=3, in_ods=2),
        step("extract", "extract", fault="no host"),
        step("preflight", "preflight"),
    )
    run = Run("039141-2026", "run", AT, AT, "ok", None, "another_dag", steps=steps)
    bare = {"fault": None, "words": "", "began_at": AT, "seconds": 1.5, "log": None}
    log = "/airflow/dags/another_dag/runs/run/tasks/steps.upsert/mapped/0"
    assert _steps(visit, run) == [
        bare | {"name": "preflight"},
        bare | {"name": "extract", "fault": "no host"},
        bare | {"name": "upsert 1", "seconds": 61, "words": "sent 1,200, in ods 2", "log": log},
        bare | {"name": "upsert 2"},
        bare | {"name": "of another version"},
    ]


def test_an_address_of_airflow_is_quoted_whole_and_without_a_dag_is_that_of_ours(visit: Visit) -> None:
    run = Run("039141-2026", "scheduled__2026-01-01T00:00:00+00:00/x", AT, AT, "ok", None, None)
    run = Run(**(vars(run) | {"steps": (step("upsert", "upsert", task="steps.upsert"),)}))
    [shown] = _steps(visit, run)
    assert shown["log"] == (
        "/airflow/dags/student_cte_program_associations/runs/scheduled__2026-01-01T00%3A00%3A00%2B00%3A00%2Fx"
        "/tasks/steps.upsert/mapped/0"
    )


def test_each_outcome_is_explained_over_its_list() -> None:
    for rule in ExclusionRule:
        assert about(str(rule)) == f"Left out because {rule.explanation}."
    for reason in RejectionReason:
        assert about(str(reason)) == reason.advice != ""
    assert about("") == ""


@pytest.mark.parametrize(
    ("arrived", "meant"),
    [
        ("scheduled__2026-01-01T00:00:00 00:00", "scheduled__2026-01-01T00:00:00+00:00"),
        ("a run of mine", "a run of mine"),
        ("", None),
    ],
)
def test_a_blank_in_a_runs_id_is_a_plus_only_at_its_end(arrived: str, meant: str | None) -> None:
    blank = dict.fromkeys(("status", "action", "cause", "step", "error"), "")
    wanted = _wanted(blank | {"run": arrived})
    assert wanted.run_id == meant
    assert (wanted.status, wanted.action, wanted.cause, wanted.step, wanted.error_type) == (None,) * 5
