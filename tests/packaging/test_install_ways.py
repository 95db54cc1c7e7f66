"""The ways into an existing deployment, each with the DAG and without a warning."""

from pathlib import Path

import pytest

from tests.packaging.environments import Deployment, Probe, borrowed_environment, deployment

pytestmark = pytest.mark.slow


@pytest.fixture
def airflow(tmp_path: Path) -> Deployment:
    """A deployment that has the DAGs, and Airflow without this package."""
    empty = deployment(tmp_path / "airflow", borrowed_environment(tmp_path / "environment"))
    empty.copy_dags()
    return empty


def test_folders_copied(airflow: Deployment) -> None:
    airflow.copy_package()

    found = airflow.probe()

    assert_at_home(found)
    assert Path(found.package) == airflow.home / "plugins/edfi_cte"
    assert Path(found.sql) == airflow.home / "include/sql"
    # A connection type needs an installed distribution; the hook works without, on a connection of any type.
    assert connection_types(found) == []


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


def assert_at_home(found: Probe) -> None:
    """Loaded once, in silence, as one package."""
    assert [plugin["name"] for plugin in found.plugins if "edfi" in str(plugin).lower()] == ["edfi_cte"]
    assert found.plugin_errors == {}
    assert found.dag_errors == {}
    assert "student_cte_program_associations" in found.dags
    assert found.run_as_single_files == []
    assert complaints(found) == []


def complaints(found: Probe) -> list[str]:
    """The warnings and errors, without the one that any .airflowignore file draws from Airflow itself."""
    lines = [line for line in found.said.splitlines() if "gitwildmatch" not in line]
    return [line for line in lines if "warning" in line.lower() or "error" in line.lower()]


def connection_types(found: Probe) -> list[object]:
    """Those of this package that ``airflow providers hooks`` lists."""
    return [hook["connection_type"] for hook in found.hooks if "edfi_cte" in str(hook["class"])]
