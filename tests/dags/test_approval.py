"""A person's word, by Airflow itself: what waits is named, approved by its id, and recorded with who and when."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import oracle
from sandbox.ods import serve
from tests.dags.test_student_cte_program_associations import DAG
from tests.deployment import Deployment, target
from tests.sync.ods_seed import seed
from tests.sync.world import RESOURCE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ods() -> Iterator[Any]:
    with serve(seed=seed(), api="7.3") as running:
        yield running


@pytest.fixture
def deployment(tmp_path: Path, ods: Any, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    ods.control.reset()
    return Deployment(tmp_path, ods, monkeypatch)


def rows(deployment: Deployment, statement: str) -> list[Any]:
    with sqlite3.connect(deployment.ledger) as ledger:
        return ledger.execute(statement).fetchall()


def test_a_list_is_approved_by_who_triggered_the_run(deployment: Deployment, ods: Any, run_dag: Callable[..., Any]):
    deployment.deploy()
    [wanted] = oracle.expected(deployment.campus, 2026, target(2026, preferences={})).values()
    ods.control.put(RESOURCE, wanted | {"beginDate": "2024-10-01"})
    run_dag(DAG, {"scope_year": 2026, "district_number": "039141"})
    [(list_id,)] = rows(deployment, "SELECT list_id FROM edfi_cte_delete_list")
    assert len(ods.control.documents(RESOURCE)) == 2
    done = run_dag(DAG, {"scope_year": 2026, "approve": list_id})
    assert str(done.state) == "success"
    assert len(ods.control.documents(RESOURCE)) == 1
    [(approved, who, run_id)] = rows(deployment, "SELECT list_id, approved_by, run_id FROM edfi_cte_approval")
    assert (approved, who) == (list_id, "dag_test")
    assert run_id


def test_a_list_of_no_target_of_the_run_is_refused_before_any_lane(
    deployment: Deployment, run_dag: Callable[..., Any], caplog: Any
):
    deployment.settings["targets"] += [target(2025)]
    deployment.deploy()
    done = run_dag(DAG, {"scope_year": 2026, "approve": "039141-2025:0123456789"})
    assert str(done.state) == "failed"
    assert "is no list of a target of this run (039141-2026)" in caplog.text
    assert not deployment.ledger.exists()
    run_dag(DAG, {"district_number": "039999"})
    assert "district 039999 is not configured" in caplog.text
