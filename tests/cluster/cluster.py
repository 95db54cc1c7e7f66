"""A cluster on this machine: Airflow's scheduler, DAG processor and API server, Redis, and Celery workers.

Each member has a home and a working directory of its own, with its own copy of the DAGs and the settings, as if on
a host of its own. They share what a cluster shares: databases, the broker, and secrets in the environment.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import sqlalchemy as sa

from tests.packaging.environments import Deployment, deployment

WORKERS = ("worker-1", "worker-2")
_CONTROL = {
    "api-server": ("api-server", "--workers", "1", "--host", "127.0.0.1"),
    "dag-processor": ("dag-processor",),
    "scheduler": ("scheduler",),
}
_STOP_SECONDS = 30


@dataclass(frozen=True)
class Environment:
    """What a cluster stands on: a Python with Airflow and this package, a Redis server program, databases."""

    python: Path
    redis_server: Path
    database: str
    """SQLAlchemy URL of Airflow's own database."""


class Cluster:
    """A running cluster."""

    def __init__(self, members: Mapping[str, Deployment], database: str, api_port: int) -> None:
        self._members = members
        self._api = f"http://127.0.0.1:{api_port}"
        self._database = sa.create_engine(database)

    def run_dag(self, dag_id: str, run_id: str, *, timeout: float) -> str:
        """Trigger a DAG and wait until its run has ended; the state it ended in. Raises TimeoutError."""
        self._wait("SELECT dag_id FROM serialized_dag WHERE dag_id = :id", {"id": dag_id}, timeout)
        _airflow(self._members["scheduler"], "dags", "trigger", dag_id, "--run-id", run_id)
        state = self._wait(
            "SELECT state FROM dag_run WHERE run_id = :id AND state IN ('success', 'failed')", {"id": run_id}, timeout
        )
        return str(state)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The ``airflow`` command on the scheduler's host."""
        return self._members["scheduler"].run("-m", "airflow", *arguments)

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Status and answer of Airflow's public API, asked by an admin."""
        with urlopen(f"{self._api}/auth/token", timeout=60) as answer:
            token = json.load(answer)["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = Request(f"{self._api}/api/v2/{path}", json.dumps(body).encode(), headers)
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as refused:
            return refused.code, json.load(refused)

    def runs(self) -> list[str]:
        """The types of all runs so far."""
        with self._database.connect() as connection:
            return list(connection.scalars(sa.text("SELECT run_type FROM dag_run ORDER BY id")))

    def tasks_done_by(self, worker: str) -> int:
        """How many tries a worker has logged, in its own home."""
        return len(list((self._members[worker].home / "logs").glob("dag_id=*/**/attempt=*.log")))

    def failures(self) -> list[str]:
        """The tasks that failed, and the last lines of each try's log."""
        return [
            f"{path}\n" + "\n".join(path.read_text().splitlines()[-15:])
            for worker in WORKERS
            for path in (self._members[worker].home / "logs").glob("dag_id=*/**/attempt=*.log")
            if '"level":"error"' in path.read_text()
        ]

    def close(self) -> None:
        """Let go of the database."""
        self._database.dispose()

    def _wait(self, question: str, parameters: Mapping[str, str], timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._database.connect() as connection:
                answer = connection.scalar(sa.text(question), parameters)
            if answer is not None:
                return answer
            time.sleep(0.5)
        raise TimeoutError(f"{question} {parameters}: no answer in {timeout:.0f} s\n" + "\n".join(self.failures()))


@contextmanager
def running_cluster(
    folder: Path,
    environment: Environment,
    *,
    connections: Mapping[str, Mapping[str, Any]],
    settings: str,
    statsd_port: int,
) -> Iterator[Cluster]:
    """A cluster under ``folder`` that knows these Airflow connections and, each member for itself, these settings.

    Its metrics go to ``statsd_port`` of this machine.
    """
    redis_port, api_port = _free_port(), _free_port()
    shared = _shared_settings(environment.database, redis_port, api_port)
    shared |= {
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(statsd_port),
    }
    shared |= {f"AIRFLOW_CONN_{name.upper()}": json.dumps(parts) for name, parts in connections.items()}
    members = {name: _member(folder, name, environment.python, shared, settings) for name in (*_CONTROL, *WORKERS)}
    with ExitStack() as stack:
        redis = ["--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        stack.enter_context(_process([environment.redis_server, *redis], folder, "redis", os.environ))
        _airflow(members["scheduler"], "db", "migrate")
        for name, arguments in _CONTROL.items():
            port = ("--port", str(api_port)) if name == "api-server" else ()
            stack.enter_context(_start(members[name], name, *arguments, *port))
        for name in WORKERS:
            worker = ("celery", "worker", "--celery-hostname", name, "--skip-serve-logs", "--without-mingle")
            stack.enter_context(_start(members[name], name, *worker))
        cluster = Cluster(members, environment.database, api_port)
        stack.callback(cluster.close)
        yield cluster


def _shared_settings(database: str, redis_port: int, api_port: int) -> dict[str, str]:
    return {
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{redis_port}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{api_port}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
    }


def _member(folder: Path, name: str, python: Path, shared: Mapping[str, str], settings: str) -> Deployment:
    """A host of its own: what it has, no other member has."""
    home = folder / name / "home-of-airflow"
    member = deployment(home, python, dict(shared) | {"HOME": str(folder / name)})
    member.copy_dags()
    (home / "include").mkdir()
    (home / "include" / "edfi_cte.yaml").write_text(settings)
    return member


def _airflow(member: Deployment, *arguments: str) -> None:
    done = member.run("-m", "airflow", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _start(member: Deployment, name: str, *arguments: str) -> Iterator[None]:
    with _process([member.python, "-m", "airflow", *arguments], member.home, name, member.environment()):
        yield


@contextmanager
def _process(command: list[str | Path], folder: Path, name: str, environment: Mapping[str, str]) -> Iterator[None]:
    """A process, with the children it starts, for the length of a block."""
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)  # what it left behind, itself included
        except ProcessLookupError:
            return
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
