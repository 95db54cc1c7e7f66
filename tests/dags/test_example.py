"""The example DAG (docs/dag-of-your-own.md), run by Airflow against the sandbox ODS."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.ods import serve
from tests.conftest import ROOT
from tests.deployment import Deployment
from tests.sync.ods_seed import EDORG, seed

pytestmark = pytest.mark.slow

LOCAL_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
TYPE = "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education"


@pytest.fixture
def ods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None) -> Iterator[Any]:
    with serve(seed=seed(), api="7.3", claim_set="Ed-Fi Sandbox") as running:
        Deployment(tmp_path, running, monkeypatch)
        bundle = {"name": "example", "classpath": LOCAL_BUNDLE, "kwargs": {"path": str(tmp_path / "dags")}}
        monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))
        yield running


def run(folder: Path, names: list[str], **params: Any) -> str:
    """The state of a run on a CSV file of these programs."""
    from airflow.dag_processing.dagbag import DagBag

    dags = folder / "dags"
    dags.mkdir(exist_ok=True)
    shutil.copy(ROOT / "examples/programs_to_ed_fi.py", dags)
    rows = [f"{name},{TYPE}" for name in names]
    (folder / "programs.csv").write_text("\n".join(["programName,programTypeDescriptor", *rows]))
    bag = DagBag(str(dags))
    assert bag.import_errors == {}
    conf = {"csv": str(folder / "programs.csv"), "folder": str(folder), "education_organization_id": EDORG} | params
    return str(bag.dags["programs_to_ed_fi"].test(run_conf=conf).state)


def programs(ods: Any) -> set[tuple[str, str]]:
    return {(one["programName"], one["programTypeDescriptor"]) for one in ods.control.documents("programs")}


def test_the_ods_holds_what_the_file_lists(ods: Any, tmp_path: Path) -> None:
    before = programs(ods)
    assert run(tmp_path, ["Welding", "Health Sciences"], max_deletes=0) == "failed"
    assert programs(ods) == before | {("Welding", TYPE)}, "posted, and nothing deleted without a person"
    assert run(tmp_path, ["Welding", "Health Sciences"], max_deletes=100) == "success"
    assert programs(ods) == {("Welding", TYPE), ("Health Sciences", TYPE)}
