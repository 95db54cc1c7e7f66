"""Every way into a clean environment of every supported Airflow, each from its own lock (make test-installs)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.campus import seed_documents
from sandbox.ods import serve
from tests.endstate import disagreements, edfi_connection, settings_file
from tests.packaging.environments import LOCKS, ROOT, Deployment, borrowed_environment, deployment
from tests.packaging.findings import assert_at_home, connection_types

pytestmark = [pytest.mark.installs, pytest.mark.timeout(900)]

BUILD = "from sandbox.campus import build; build(sys.argv[1])"


@pytest.fixture(params=LOCKS)
def airflow(request: pytest.FixtureRequest, environments: Callable[[str], Path], tmp_path: Path) -> Deployment:
    python = borrowed_environment(tmp_path / "environment", environments(request.param))
    empty = deployment(tmp_path / "airflow", python)
    empty.copy_dags()
    empty.write_settings(settings_file(2026))
    said = empty.run("-m", "airflow", "version")
    assert said.stdout.startswith(request.param), said.stderr
    return empty


def test_folders_copied(airflow: Deployment) -> None:
    airflow.copy_package()

    assert_at_home(airflow.probe())


def test_wheel_installed(airflow: Deployment, wheel: Path) -> None:
    airflow.install(wheel)

    found = airflow.probe()

    assert_at_home(found)
    assert connection_types(found) == ["edfi"]


def test_wheel_in_the_plugins_folder(airflow: Deployment, wheel: Path) -> None:
    airflow.install_into_plugins(wheel)

    found = airflow.probe()

    assert_at_home(found)
    assert connection_types(found) == ["edfi"]


def test_a_deadline_alert_is_taken(airflow: Deployment, wheel: Path) -> None:
    airflow.install(wheel)
    airflow.write_settings(settings_file(2026, deadline_minutes=60))

    found = airflow.probe()

    assert_at_home(found)
    assert found.dags_with_deadline == ["student_cte_program_associations"]


def test_the_dag_runs(airflow: Deployment, wheel: Path, tmp_path: Path) -> None:
    airflow.install(wheel)
    campus = tmp_path / "campus.duckdb"
    # By its own DuckDB: an older one does not read a newer one's files.
    built = airflow.run("-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {BUILD}", campus)
    assert built.returncode == 0, built.stderr
    with serve(seed=seed_documents(campus, 2026)) as ods:
        connections = {
            "campus": {"conn_type": "duckdb", "host": str(campus), "extra": {"read_only": True}},
            "edfi_2026": edfi_connection(ods),
            "edfi_cte_ledger": {"conn_type": "sqlite", "host": str(tmp_path / "ledger.sqlite")},
        }
        airflow.settings.update(
            {f"AIRFLOW_CONN_{name.upper()}": json.dumps(one) for name, one in connections.items()}
        )
        for command in (("db", "migrate"), ("dags", "test", "student_cte_program_associations")):
            done = airflow.run("-m", "airflow", *command)
            assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]

        assert disagreements(campus, 2026, ods) == []
