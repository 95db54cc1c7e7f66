"""A settings file that is wrong, or away for a moment: Airflow shows it, and nothing runs by a default schedule."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.deployment import target

DAG = "student_cte_program_associations"
BY_HAND = {"schedule": None, "queue": "intranet", "sending_tasks": 2}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DAGs folder with the DAG, and an include folder beside it, as in a bundle of a team's own."""
    shutil.copytree(ROOT / "dags", tmp_path / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "include").mkdir()
    monkeypatch.delenv("AIRFLOW__EDFI_CTE__SETTINGS_FILE", raising=False)
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path / "elsewhere"))
    return tmp_path


def write(home: Path, text: str | None = None, where: str = "include/edfi_cte.yaml", **changes: Any) -> None:
    content = {"version": 1, "targets": [target(2026)], "dag": BY_HAND} | changes
    (home / where).write_text(yaml.safe_dump(content) if text is None else text)


def bag(home: Path) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(home / "dags"))


def test_a_mistake_elsewhere_in_the_file_leaves_the_dag_as_it_is(home: Path) -> None:
    write(home, targets=[{"district_number": "nonsense"}], guards={"no_such": 1})
    dag = bag(home).dags[DAG]
    assert dag.schedule is None
    assert {task.queue for task in dag.tasks} == {"intranet"}
    assert "target.upsert_2" in dag.task_ids


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\ndag: {shedule: null}\n", ["line 2: dag.shedule", "Did you mean 'schedule'?"]),
        ("version: 1\ndag:\n\tschedule: null\n", ["line 3", "indent with spaces"]),
        ("version: [", ["not valid YAML"]),
        ("", ["the file is empty"]),
    ],
)
def test_a_dag_part_that_cannot_be_read_is_an_import_error_and_no_dag(home: Path, text: str, said: list[str]) -> None:
    write(home, text)
    found = bag(home)
    assert found.dags == {}
    [message] = found.import_errors.values()
    assert all(part in message for part in [str(home / "include/edfi_cte.yaml"), *said]), message


def test_no_settings_file_at_all_is_an_import_error_that_says_where_it_was_looked_for(home: Path) -> None:
    [message] = bag(home).import_errors.values()
    assert "there is no settings file" in message
    assert str(home / "include/edfi_cte.yaml") in message
    assert "edfi-cte init" in " ".join(message.split())


def test_airflow_keeps_the_dag_as_it_was_and_schedules_nothing_while_the_file_is_broken(
    home: Path, airflow_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = {"name": home.name, "classpath": LOCAL_BUNDLE, "kwargs": {"path": str(home / "dags")}}
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))
    write(home, dag={"schedule": "@weekly"})
    stored(home)
    write(home, "version: [")
    model, errors = stored(home)
    assert model.has_import_errors, "the scheduler makes no run of such a DAG"
    assert model.timetable_summary == "0 0 * * 0"
    assert any("not valid YAML" in error for error in errors)
    write(home, dag={"schedule": "@weekly"})
    model, errors = stored(home)
    assert not model.has_import_errors
    assert errors == []


LOCAL_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"


def stored(home: Path) -> tuple[Any, list[str]]:
    """The DAG in Airflow's database once the DAG processor has been at the file, and its import errors."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.collection import update_dag_parsing_results_in_db
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.models.dag import DagModel
    from airflow.models.errors import ParseImportError
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session

    DagBundlesManager().sync_bundles_to_db()
    bundle = DagBundlesManager().get_bundle(home.name)
    found = BundleDagBag(str(bundle.path), bundle_path=bundle.path, bundle_name=home.name)
    file = f"{DAG}.py"
    with create_session() as session:
        update_dag_parsing_results_in_db(
            bundle_name=home.name,
            bundle_version=None,
            dags=[LazyDeserializedDAG.from_dag(dag) for dag in found.dags.values()],
            import_errors=dict.fromkeys([(home.name, file)] if found.import_errors else [], str(found.import_errors)),
            parse_duration=None,
            warnings=set(),
            session=session,
            files_parsed={(home.name, file)},
        )
        session.flush()
        session.expire_all()
        errors = [error.stacktrace for error in session.query(ParseImportError).filter_by(bundle_name=home.name)]
        model = session.get(DagModel, DAG)
        session.refresh(model)
        session.expunge(model)
        return model, errors


@pytest.mark.parametrize("where", ["include/edfi_cte.yaml", "edfi_cte.yaml", "dags/edfi_cte.yaml"])
def test_settings_are_found_beside_the_dag_or_at_the_bundles_root(home: Path, where: str) -> None:
    write(home, where=where)
    assert bag(home).dags[DAG].schedule is None


def test_a_relative_path_is_looked_for_from_the_dag(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__EDFI_CTE__SETTINGS_FILE", "config/ours.yaml")
    (home / "config").mkdir()
    write(home, where="config/ours.yaml")
    assert bag(home).dags[DAG].schedule is None


def test_each_version_of_a_bundle_has_its_own_settings(tmp_path: Path, home: Path) -> None:
    """A Git bundle has each version of the repository in a folder of its own."""
    versions = {}
    for version, schedule in (("v1", "@weekly"), ("v2", "@monthly")):
        shutil.copytree(home / "dags", tmp_path / version / "dags")
        (tmp_path / version / "include").mkdir()
        write(tmp_path / version, dag={"schedule": schedule})
        versions[version] = bag(tmp_path / version).dags[DAG].schedule
    assert versions == {"v1": "@weekly", "v2": "@monthly"}


def test_a_task_reads_the_settings_of_its_dags_version(tmp_path: Path, home: Path) -> None:
    from edfi_cte.operators.student_cte_program_associations import PARAMS

    for version, year in (("v1", 2025), ("v2", 2026)):
        shutil.copytree(home / "dags", tmp_path / version / "dags")
        (tmp_path / version / "include").mkdir()
        write(tmp_path / version, targets=[target(year)])
    params: Any = {name: param.value for name, param in PARAMS.items()}
    for version, year in (("v1", 2025), ("v2", 2026)):
        task = bag(tmp_path / version).dags[DAG].get_task("configured_targets")
        assert task.execute({"params": params}) == [[f"039141-{year}"]]
