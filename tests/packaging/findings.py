"""What has to be true of a deployment, whichever way the package came into it."""

from tests.packaging.environments import Probe


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
