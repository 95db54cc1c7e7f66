"""Row 10: the whole DAG for a district of median size under a scheduler, beside the same DAG of empty tasks."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bench.district import SCOPE_YEAR, build_campus, ods_seed
from bench.results import Row
from edfi_cte.sync.lane import RESOURCE
from sandbox.ods import RunningOds, serve
from tests.sync.world import DISTRICT

ASSOCIATIONS = 280
ROOT = Path(__file__).resolve().parents[1]
DAGS = ("student_cte_program_associations", "empty_lane")
_DEADLINE_SECONDS = 180

_EMPTY_DAG = """
from airflow.providers.common.compat.sdk import DAG, chain, task_group
from airflow.providers.standard.operators.python import PythonOperator

from edfi_cte.sync.steps import STEPS


def nothing(target_ids):
    return None


@task_group
def target(target_ids):
    chain(*(
        PythonOperator(task_id=name, python_callable=nothing, op_args=[target_ids]) for name in [*STEPS, "report"]
    ))


with DAG(dag_id="empty_lane", schedule=None, catchup=False):
    configured = PythonOperator(task_id="configured_targets", python_callable=lambda: [["one"]])
    target.expand(target_ids=configured.output)
"""


def row() -> Row:
    """Row 10."""
    with serve(seed=ods_seed(ASSOCIATIONS), api="7.3") as ods, standalone(ods) as airflow:
        seconds = {name: airflow.run(name) for name in (*DAGS, *DAGS)}  # the first runs find nothing warm
        sent = ods.control.record_counts().get(RESOURCE, 0)
    real, empty = (seconds[name] for name in DAGS)
    return Row(
        10,
        f"the whole DAG for {ASSOCIATIONS} associations, scheduler, API server and local executor running",
        "the same DAG with empty tasks",
        "overhead of our work, reported",
        real / empty,
        None,
        {"whole DAG": real, "empty tasks": empty, "our work": real - empty, "in the ODS": sent},
    )


class Airflow:
    """``airflow standalone`` with a home of its own."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self._database, self._environment = home / "airflow.db", environment

    def run(self, dag_id: str) -> float:
        """Trigger a DAG; the seconds from the run's start to its end, by Airflow's account."""
        run_id = f"bench-{time.monotonic_ns()}"
        self._wait("SELECT dag_id FROM serialized_dag WHERE dag_id = ?", dag_id)
        command = [sys.executable, "-m", "airflow", "dags", "trigger", dag_id, "--run-id", run_id]
        subprocess.run(command, env=self._environment, check=True, capture_output=True)  # noqa: S603
        state, started, ended = self._wait(
            "SELECT state, start_date, end_date FROM dag_run WHERE run_id = ? AND end_date IS NOT NULL", run_id
        )
        if state != "success":
            raise RuntimeError(f"the run of {dag_id} ended as {state}")
        return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()

    def _wait(self, question: str, parameter: str) -> Any:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(self._database)) as connection:
                if row := connection.execute(question, [parameter]).fetchone():
                    return row
            time.sleep(0.2)
        raise TimeoutError(f"airflow standalone: no answer in {_DEADLINE_SECONDS} s to {question}")


@contextmanager
def standalone(ods: RunningOds) -> Iterator[Airflow]:
    """Airflow's scheduler, DAG processor and API server, there for the length of the block."""
    with TemporaryDirectory(prefix="edfi-cte-bench-") as folder, _running(Path(folder), ods) as airflow:
        yield airflow


@contextmanager
def _running(folder: Path, ods: RunningOds) -> Iterator[Airflow]:
    home = folder / "airflow"
    _write_dags(home / "dags")
    environment = _environment(folder, home, ods)
    with (folder / "airflow.log").open("w") as log:
        command = [sys.executable, "-m", "airflow", "standalone"]
        process = subprocess.Popen(  # noqa: S603 - Airflow, in a process group that is ours to end
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield Airflow(home, environment)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _write_dags(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "real.py").write_text((ROOT / "dags" / f"{DAGS[0]}.py").read_text())
    (folder / "empty.py").write_text(_EMPTY_DAG)


def _environment(folder: Path, home: Path, ods: RunningOds) -> dict[str, str]:
    campus, settings, port = folder / "campus.duckdb", folder / "edfi_cte.yaml", _free_port()
    build_campus(campus, ASSOCIATIONS)
    target = {
        "district_number": DISTRICT,
        "scope_year": SCOPE_YEAR,
        "campus_conn_id": "campus",
        "edfi_conn_id": "edfi",
    }
    settings.write_text(yaml.safe_dump({"version": 1, "targets": [target]}))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__EDFI_CTE__SETTINGS_FILE": str(settings),
        "AIRFLOW_CONN_CAMPUS": _connection("duckdb", host=str(campus), extra={"read_only": True}),
        "AIRFLOW_CONN_EDFI": _connection("edfi", host=ods.base_url, login=ods.key, password=ods.secret),
        "AIRFLOW_CONN_EDFI_CTE_LEDGER": _connection("sqlite", host=str(folder / "ledger.sqlite")),
        # A DAG of the past would be run at once; here each run is triggered.
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    }


def _connection(kind: str, **parts: Any) -> str:
    return json.dumps({"conn_type": kind, **parts})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
