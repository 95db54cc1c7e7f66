"""An Airflow of the bench's own, ``airflow standalone`` in a home of its own, and what its processes cost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


class Airflow:
    """A scheduler, DAG processor, triggerer and API server that run."""

    def __init__(self, process: subprocess.Popen[bytes], database: str, environment: Mapping[str, str]) -> None:
        self._process, self._environment = process, dict(environment)
        self._database = sa.create_engine(database)

    def run(self, dag_id: str, within: float) -> float:
        """Trigger a DAG; the seconds from the run's start to its end, by Airflow's account."""
        run_id = f"bench-{time.monotonic_ns()}"
        self._wait_for_api(within)
        self._wait("SELECT dag_id FROM serialized_dag WHERE dag_id = :it", dag_id, within)
        command = [sys.executable, "-m", "airflow", "dags", "trigger", dag_id, "--run-id", run_id]
        subprocess.run(command, env=self._environment, check=True, capture_output=True)  # noqa: S603
        state, started, ended = self._wait(
            "SELECT state, start_date, end_date FROM dag_run WHERE run_id = :it AND end_date IS NOT NULL",
            run_id,
            within,
        )
        if state != "success":
            raise RuntimeError(f"the run of {dag_id} ended as {state}")
        return (_time(ended) - _time(started)).total_seconds()

    def asset_events(self) -> int:
        """How many assets were told of a report so far."""
        with self._database.connect() as connection:
            return int(connection.execute(sa.text("SELECT count(*) FROM asset_event")).scalar_one())

    def cpu_seconds(self) -> float:
        """CPU seconds so far of all its processes, tasks that have ended included."""
        processes = dict(_processes())
        ours = {self._process.pid}
        while more := {pid for pid, (parent, _, _) in processes.items() if parent in ours} - ours:
            ours |= more
        ours |= {pid for pid, (_, session, _) in processes.items() if session == self._process.pid}
        return sum(ticks for pid, (_, _, ticks) in processes.items() if pid in ours) / _TICKS

    def _wait_for_api(self, within: float) -> None:
        """A task that finds no API server fails; on a busy machine that is the last of them to be there."""
        url = f"{self._environment['AIRFLOW__CORE__EXECUTION_API_SERVER_URL']}health"
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            with suppress(OSError), urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
            time.sleep(0.5)
        raise TimeoutError(f"airflow standalone: no API server in {within:.0f} s")

    def _wait(self, question: str, parameter: str, within: float) -> Any:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            with suppress(sa.exc.DBAPIError), self._database.connect() as connection:
                if row := connection.execute(sa.text(question), {"it": parameter}).first():
                    return row
            time.sleep(0.5)
        raise TimeoutError(f"airflow standalone: no answer in {within:.0f} s to {question}")


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _processes() -> Iterator[tuple[int, tuple[int, int, int]]]:
    """(pid, (parent, session, ticks of it and of its ended children)) of every process of the machine."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            yield int(path.parent.name), (int(fields[1]), int(fields[3]), sum(map(int, fields[11:15])))


@contextmanager
def standalone(home: Path, environment: Mapping[str, str], database: str) -> Iterator[Airflow]:
    """Airflow, there for the length of the block. ``home`` has its DAGs already."""
    with (home.parent / "airflow.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield Airflow(process, database, environment)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def environment(home: Path, settings: Path, **more: str) -> dict[str, str]:
    """The environment of an Airflow of the bench's own; nothing of the caller's Airflow is in it."""
    port = _free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return (
        inherited
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            # By it the processes share a token through the ledger; an ODS/API 7.3 gives a key no more than 15.
            "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(os.urandom(32)).decode(),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__EDFI_CTE__SETTINGS_FILE": str(settings),
            # A DAG of the past would be run at once; here each run is triggered.
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        }
        | more
    )


def connection(kind: str, **parts: Any) -> str:
    """An Airflow connection as an environment variable has it."""
    return json.dumps({"conn_type": kind, **parts})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
