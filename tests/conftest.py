"""What every test can have: an Airflow of this process's own, DAG runs on it, and a PostgreSQL server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

ROOT = Path(__file__).resolve().parents[1]

# The same cases each time, so that a change is judged by itself; --hypothesis-profile=default draws new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

# Airflow reads its configuration when it is first imported, so this comes before any test module.
# Nothing of the developer's own Airflow may reach the tests.
for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "EDFI_CTE_CONN_"))]:
    del os.environ[_name]
_AIRFLOW_HOME = tempfile.TemporaryDirectory(prefix="edfi-cte-airflow-")
os.environ |= {
    "AIRFLOW_HOME": _AIRFLOW_HOME.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_AIRFLOW_HOME.name}/airflow.db",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Airflow's own database, migrated."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def run_dag(airflow_db: None) -> Callable[..., DagRun]:
    """``run_dag(dag_id, conf)`` runs a DAG of the repository as ``airflow dags test`` does; the finished run."""
    from airflow.dag_processing.dagbag import DagBag

    def run(dag_id: str, conf: Mapping[str, Any] | None = None) -> DagRun:
        bag = DagBag(str(ROOT / "dags"))
        assert bag.import_errors == {}
        finished: DagRun = bag.dags[dag_id].test(run_conf=dict(conf or {}))
        return finished

    return run


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of a real PostgreSQL server, of this test session's own unless one runs for many."""
    from tests.postgres import running_postgres

    given = os.environ.get("EDFI_CTE_TEST_POSTGRES")
    with nullcontext(given) if given else running_postgres() as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database of this test's own."""
    from tests.postgres import empty_database

    with empty_database(postgres_url) as url:
        yield url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests begin first, so that tests side by side do not all wait for one in the end."""
    longest = ("test_model.py", "test_crash.py")
    items.sort(key=lambda item: item.path.name not in longest)
