"""Every way into a clean environment of every supported Airflow, each from its own lock (make test-installs)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.environments import Deployment, borrowed_environment, deployment, installed_environment
from tests.packaging.findings import assert_at_home, connection_types

pytestmark = pytest.mark.installs

LOCKS = {"3.1": "locks/airflow-3.1.lock", "3.2": "locks/airflow-3.2.lock", "3.3": "requirements.lock"}


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The Python of a clean environment of one Airflow minor, installed once."""
    made: dict[str, Path] = {}

    def environment(minor: str) -> Path:
        if minor not in made:
            made[minor] = installed_environment(tmp_path_factory.mktemp("airflow") / "environment", LOCKS[minor])
        return made[minor]

    return environment


@pytest.fixture(params=LOCKS)
def airflow(request: pytest.FixtureRequest, environments: Callable[[str], Path], tmp_path: Path) -> Deployment:
    python = borrowed_environment(tmp_path / "environment", environments(request.param))
    empty = deployment(tmp_path / "airflow", python)
    empty.copy_dags()
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
