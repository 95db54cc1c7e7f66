"""A step's result in its log: lines that are shown whole, and what failed as warnings by cause."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog.testing

from edfi_cte.lines import WIDTH
from edfi_cte.operators.results import results
from edfi_cte.operators.student_cte_program_associations import PARAMS, SyncStepOperator
from sandbox.ods import serve
from tests.deployment import Deployment
from tests.sync.campus import STUDENTS
from tests.sync.ods_seed import seed

TARGET = "039141-2026"
NOWHERE = "uri://dese.mo.gov/CTEProgramServiceDescriptor#Nowhere at all"


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None) -> Iterator[Deployment]:
    with serve(seed=seed(), api="7.3") as ods:
        yield Deployment(tmp_path, ods, monkeypatch)


def said(*steps: str) -> list[tuple[str, str]]:
    """Level and text of each line that the last of the steps logs; all of them are green."""
    params: Any = {name: param.value for name, param in PARAMS.items()}
    for step in steps:
        with structlog.testing.capture_logs() as events:
            SyncStepOperator(task_id=step, step=step, target_ids=[TARGET]).execute(
                {"params": params, "run_id": "run"}
            )
    return [(event["log_level"], event["event"] % event.get("positional_args", ())) for event in events]


def test_failures_in_a_green_upsert_are_warnings_by_cause_with_the_descriptor_or_the_program(
    deployment: Deployment,
) -> None:
    for person, (cluster, kind) in enumerate([("5", "0410"), ("5", "0410"), ("8", "0110"), ("8", "0410")], start=3):
        deployment.rows.add(person, person=person, cluster=cluster, kind=kind)
    deployment.another_campus("campus")
    deployment.settings["guards"] = {"max_failure_fraction": 1.0}
    deployment.settings["preferences"] = {
        "default": {
            "career_cluster": {"mapping": {"5": NOWHERE}},
            "program_name": {"mapping": {"0110": "No Such Program"}},
        }
    }
    deployment.deploy()
    warnings = [text for level, text in said("preflight", "extract", "transform", "upsert") if level == "warning"]
    text = " ".join(" ".join(warnings).split())
    of_descriptor = f"{TARGET}: 2 failed as unknown_descriptor ({NOWHERE}). Use a value that the API's descriptor"
    of_program = f"{TARGET}: 1 failed as program_missing (program 'No Such Program'). Create the program in the ODS"
    assert of_descriptor in text
    assert text.index(of_descriptor) < text.index(of_program)
    assert max(map(len, warnings)) <= WIDTH
    assert not any(str(number) in "".join(warnings) for number in STUDENTS.values())


def test_what_preflight_found_is_read_without_scrolling(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.deploy()
    caplog.set_level(logging.INFO, "edfi_cte.sync")
    said("preflight")
    lines = [record.getMessage() for record in caplog.records if record.name == "edfi_cte.sync.preflight"]
    assert any("Career Cluster 13 is sent by a default" in line for line in lines)
    assert max(map(len, lines)) <= WIDTH


def test_a_green_upsert_without_failures_warns_of_nothing(deployment: Deployment) -> None:
    deployment.deploy()
    levels = {level for level, text in said("preflight", "extract", "transform", "upsert") if TARGET in text}
    assert "warning" not in levels


def test_what_there_is_none_of_is_not_said_and_a_list_is_a_sentence() -> None:
    lane: Any = SimpleNamespace(target_id=TARGET)
    counts = {
        "warnings": 0,
        "lacking": [],
        "causes": {},
        "next": ["uri://a.b/CDescriptor#1", "uri://a.b/CDescriptor#2"],
    }
    lines = [line for _, line in results(lane, "preflight", counts)]
    assert lines == [f"{TARGET} warnings: 0", f"{TARGET} next: uri://a.b/CDescriptor#1, uri://a.b/CDescriptor#2"]
