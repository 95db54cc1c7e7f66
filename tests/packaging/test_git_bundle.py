"""A Git repository as Airflow's own Git bundle: a run takes DAG and settings of its version (make test-installs)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.endstate import settings_file
from tests.packaging.environments import ROOT, Deployment, borrowed_environment, deployment, install

pytestmark = [pytest.mark.installs, pytest.mark.timeout(900)]


def git(repository: Path, *arguments: str | Path) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", *who, *arguments], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A team's repository with the DAG in ``dags``."""
    path = tmp_path / "repository"
    (path / "dags").mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch", "main")
    dag = ROOT / "dags/student_cte_program_associations.py"
    (path / "dags" / dag.name).write_text(dag.read_text())
    return path


def commit(repository: Path, where: str, text: str) -> str:
    """A version in which the settings say so."""
    (repository / where).parent.mkdir(exist_ok=True)
    (repository / where).write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "settings")
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def airflow(tmp_path: Path, wheel: Path, repository: Path) -> Deployment:
    python = borrowed_environment(tmp_path / "environment")
    install(python, "--require-hashes", "--no-deps", "--requirements", ROOT / "locks/git.lock")
    bundle = {
        "name": "district",
        "classpath": "airflow.providers.git.bundles.git.GitDagBundle",
        "kwargs": {"repo_url": str(repository), "tracking_ref": "main", "subdir": "dags"},
    }
    made = deployment(
        tmp_path / "airflow",
        python,
        {
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "bundles"),
        },
    )
    made.install(wheel)
    migrated = made.run("-m", "airflow", "db", "migrate")
    assert migrated.returncode == 0, migrated.stderr[-3000:]
    return made


def versions(airflow: Deployment, *wanted: str) -> list[list[object]]:
    done = airflow.run(Path(__file__).with_name("git_versions.py"), "district", *wanted)
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[list[object]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_each_version_has_its_own_settings_wherever_they_lie(airflow: Deployment, repository: Path) -> None:
    places = ["include/edfi_cte.yaml", "edfi_cte.yaml", "dags/edfi_cte.yaml"]
    made = []
    for year, where in enumerate(places, start=2024):
        made.append(commit(repository, where, settings_file(year, schedule=f"0 {year - 2020} * * *")))
        git(repository, "rm", "--quiet", where)
    found = versions(airflow, *made, "-")
    at = [[f"0 {year - 2020} * * *", [[f"039141-{year}"]]] for year in (2024, 2025, 2026)]
    assert found == [*at, at[-1]]
