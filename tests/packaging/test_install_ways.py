"""The ways into an existing deployment, each with the DAG and without a warning."""

from pathlib import Path

import pytest

from tests.endstate import settings_file
from tests.packaging.environments import Deployment, borrowed_environment, deployment
from tests.packaging.findings import assert_at_home, connection_types

pytestmark = pytest.mark.slow


@pytest.fixture
def airflow(tmp_path: Path) -> Deployment:
    """A deployment that has the DAGs, and Airflow without this package."""
    empty = deployment(tmp_path / "airflow", borrowed_environment(tmp_path / "environment"))
    empty.copy_dags()
    empty.write_settings(settings_file(2026))
    return empty


def test_folders_copied(airflow: Deployment) -> None:
    airflow.copy_package()

    found = airflow.probe()

    assert_at_home(found)
    assert Path(found.package) == airflow.home / "plugins/edfi_cte"
    assert Path(found.sql) == airflow.home / "include/sql"
    # A connection type needs an installed distribution; the hook works without, on a connection of any type.
    assert connection_types(found) == []


def test_the_command_of_a_package_in_the_plugins_folder(airflow: Deployment) -> None:
    airflow.copy_package()
    airflow.settings["PYTHONPATH"] = str(airflow.home / "plugins")
    (airflow.home / "include/edfi_cte.yaml").unlink()

    done = airflow.run("-m", "edfi_cte.cli", "check")

    assert done.returncode == 1, done.stderr
    assert "there is no settings file" in " ".join(done.stdout.split())


def test_wheel_installed(airflow: Deployment, wheel: Path) -> None:
    airflow.install(wheel)

    found = airflow.probe()

    assert_at_home(found)
    assert connection_types(found) == ["edfi"]
    assert "site-packages" in found.package
    assert Path(found.sql) == Path(found.package) / "sql"


def test_wheel_installed_and_folders_copied(airflow: Deployment, wheel: Path) -> None:
    airflow.install(wheel)
    airflow.copy_package()

    found = airflow.probe()

    assert_at_home(found)
    assert connection_types(found) == ["edfi"]
    assert "site-packages" in found.package, "the installed copy wins"


def test_wheel_in_the_plugins_folder(airflow: Deployment, wheel: Path) -> None:
    airflow.install_into_plugins(wheel)

    found = airflow.probe()

    assert_at_home(found)
    assert connection_types(found) == ["edfi"]
    assert Path(found.package) == airflow.home / "plugins/edfi_cte"
    assert Path(found.sql) == airflow.home / "plugins/edfi_cte/sql"
